import { defineConfig } from 'vitest/config'

/** `npm run test:long`: what takes minutes and needs tools besides Node, such as cargo. */
export default defineConfig({
  test: { include: ['tests/long/**/*.test.ts'], pool: 'forks', maxWorkers: 1, reporters: ['default'] },
})
