/** A content script imported by its build address: the path of the built file, for `scripting`. */
declare module '*?script' {
  const path: string
  export default path
}
