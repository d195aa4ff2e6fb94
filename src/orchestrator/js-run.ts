/** How `js` is started for code that shall tell its result on descriptor 3. */

export const jsArgv = (code: string, args: readonly string[]): string[] => ['js', '-e', code, '--', ...args]

export const jsEnv = (env: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({ ...env, TIDEPOOL_RESULT_FD: '3' })
