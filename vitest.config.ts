import { defineConfig } from 'vitest/config'

/** Unit tests: everything that needs no browser. They run in forked processes of Node 26, which has JSPI without a flag. */
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/extension/**', 'tests/long/**'],
    globalSetup: ['tests/support/node-version.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})
