import { defineConfig } from '@playwright/test'

/** Tests that drive the built extension in a real Chromium (chosen by scripts/bootstrap.mjs). Each brings its own browser, so two at a time is all that two cores bear. */
export default defineConfig({
  testDir: 'tests/extension',
  testMatch: '**/*.{spec,test}.ts',
  outputDir: 'test-results',
  workers: 2,
  retries: 0,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
})
