/** The records of a zip archive (PKWARE APPNOTE 6.3, section 4.3): their signatures, the bytes of each before what varies, and methods. */

export const END = 0x06054b50
export const CENTRAL = 0x02014b50
export const LOCAL = 0x04034b50
export const END_BYTES = 22
export const CENTRAL_BYTES = 46
export const LOCAL_BYTES = 30
export const STORED = 0
export const DEFLATED = 8
