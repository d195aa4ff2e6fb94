import { defineConfig } from '@playwright/test'

/**
 * The built extension in real Chromium (`npm run build:extension` first). One browser a file where the test allows it; two files at a
 * time at most, since each brings a browser. `TIDEPOOL_LONG=1` adds what takes minutes.
 */
export default defineConfig({
  testDir: 'tests/extension',
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results',
  workers: 2,
  fullyParallel: false,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
})
