// The imports of module btcp as they are: a text is a pointer and a length in UTF-8, an answer below 0 is an error. imports.ts has them as
// functions.

@external('btcp', 'dom_query')
export declare function dom_query(selector: usize, selectorLength: i32): i32

@external('btcp', 'dom_count')
export declare function dom_count(selector: usize, selectorLength: i32): i32

@external('btcp', 'dom_text')
export declare function dom_text(selector: usize, selectorLength: i32, out: usize, capacity: i32): i32

@external('btcp', 'dom_attr')
export declare function dom_attr(selector: usize, selectorLength: i32, name: usize, nameLength: i32, out: usize, capacity: i32): i32

@external('btcp', 'dom_html')
export declare function dom_html(selector: usize, selectorLength: i32, out: usize, capacity: i32): i32

@external('btcp', 'dom_set_text')
export declare function dom_set_text(selector: usize, selectorLength: i32, value: usize, valueLength: i32): i32

@external('btcp', 'dom_click')
export declare function dom_click(selector: usize, selectorLength: i32): i32

@external('btcp', 'storage_get')
export declare function storage_get(key: usize, keyLength: i32, out: usize, capacity: i32): i32

@external('btcp', 'storage_set')
export declare function storage_set(key: usize, keyLength: i32, value: usize, valueLength: i32): i32

@external('btcp', 'http_fetch')
export declare function http_fetch(request: usize, requestLength: i32, out: usize, capacity: i32): i32

@external('btcp', 'call_tool')
export declare function call_tool(request: usize, requestLength: i32, out: usize, capacity: i32): i32

@external('btcp', 'log')
export declare function log(level: i32, text: usize, length: i32): void

@external('btcp', 'last_error')
export declare function last_error(out: usize, capacity: i32): i32
