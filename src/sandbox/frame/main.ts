/**
 * The sandbox page: an opaque origin that holds our code only. It creates, feeds and ends one dedicated worker a cell and compiles
 * modules for them; what a cell and the broker say to each other goes past it. It obeys the offscreen document that framed it and no one else.
 */
export {}
