/**
 * The orchestrator's platform in the extension: cells are workers of sandboxed frames, tables are in IndexedDB, hashes come from
 * Web Crypto.
 */
export {}
