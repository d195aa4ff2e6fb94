/** The version of this release, as in package.json and manifest.json; a test holds the three together. */
export const VERSION = '0.1.0'
