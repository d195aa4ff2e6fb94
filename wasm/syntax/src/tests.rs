//! What the parser makes of scripts, told through the printer where that is shorter.

use crate::arithmetic::{Expression, parse as parse_arithmetic, parse_number};
use crate::ast::*;
use crate::{ErrorKind, Parser, print};

fn parse(script: &str) -> List {
    Parser::from_text(script.as_bytes(), 1).next_command().expect("no syntax error").expect("a command")
}

fn error(script: &str) -> ErrorKind {
    let mut parser = Parser::from_text(script.as_bytes(), 1);
    loop {
        match parser.next_command() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("{script:?} is no error"),
            Err(error) => return error.kind,
        }
    }
}

/// The command lists of a script, printed.
fn printed(script: &str) -> Vec<String> {
    let list = parse(script);
    list.items.iter().map(|item| String::from_utf8(print::chain(&item.chain)).expect("UTF-8")).collect()
}

fn first_command(script: &str) -> Command {
    parse(script).items.remove(0).chain.first.commands.remove(0)
}

fn first_words(script: &str) -> Vec<Word> {
    let CommandKind::Simple(simple) = first_command(script).kind else {
        panic!("{script:?} is no simple command");
    };
    simple.words.into_iter().filter_map(|argument| if let Argument::Word(word) = argument { Some(word) } else { None }).collect()
}

#[test]
fn a_script_is_read_command_by_command_so_that_line_1_runs_though_line_2_is_wrong() {
    let mut parser = Parser::from_text(b"echo a\necho )\n", 1);
    assert!(parser.next_command().is_ok_and(|list| list.is_some()));
    let error = parser.next_command().expect_err("line 2 is wrong");
    assert_eq!((error.line, error.kind), (2, ErrorKind::UnexpectedToken(b")".to_vec())));
}

#[test]
fn a_word_knows_which_of_its_parts_were_quoted() {
    let [_, word] = first_words(r#"echo a'b'"c$d"\e"#).try_into().expect("two words");
    let [Part::Literal(a), Part::Quoted(b), Part::DoubleQuoted(inner), Part::Quoted(e)] = word.parts.as_slice() else {
        panic!("{word:?}");
    };
    assert_eq!((&a[..], &b[..], &e[..]), (&b"a"[..], &b"b"[..], &b"e"[..]));
    assert!(matches!(inner.as_slice(), [Part::Literal(c), Part::Variable(_)] if **c == *b"c"));
}

#[test]
fn reserved_words_are_special_only_where_a_command_begins() {
    assert_eq!(printed("echo if then done; x=do"), ["echo if then done", "x=do"]);
    assert_eq!(first_words("'if' true").len(), 2);
}

#[test]
fn a_case_arm_inside_a_substitution_does_not_end_it() {
    assert_eq!(printed("echo $(case x in a) echo b;; esac)").len(), 1);
}

#[test]
fn doubled_parentheses_are_arithmetic_when_they_close_as_such_and_else_subshells() {
    assert!(matches!(first_command("((1 + 2))").kind, CommandKind::Arithmetic(_)));
    assert!(matches!(first_command("((echo a); echo b)").kind, CommandKind::Subshell(_)));
}

#[test]
fn an_assignment_is_one_only_before_the_name_or_after_a_declaration() {
    let CommandKind::Simple(simple) = first_command("a=1 b+=2 export c=3 d").kind else {
        panic!("no simple command");
    };
    assert_eq!(simple.assignments.len(), 2);
    assert!(simple.assignments[1].append);
    assert!(matches!(simple.words.as_slice(), [Argument::Word(_), Argument::Assignment(_), Argument::Word(_)]));
    assert_eq!(first_words("echo a=1").len(), 2);
}

#[test]
fn a_here_document_is_read_after_the_line_that_names_it() {
    let list = parse("cat <<A; cat <<'B'\nx $y\nA\n$z\nB\n");
    let body = |at: usize| {
        let Some(RedirectionKind::HereDocument(document)) =
            list.items[at].chain.first.commands[0].redirections.first().map(|r| &r.operation)
        else {
            panic!("no here-document");
        };
        document.body.get().expect("a body").clone()
    };
    assert!(matches!(body(0).parts.as_slice(), [Part::DoubleQuoted(parts)] if parts.len() == 3));
    assert!(matches!(body(1).parts.as_slice(), [Part::Quoted(text)] if **text == *b"$z\n"));
}

#[test]
fn errors_name_the_token_or_what_has_no_end() {
    assert_eq!(error("echo a | | b"), ErrorKind::UnexpectedToken(b"|".to_vec()));
    assert_eq!(error("for x in a\necho"), ErrorKind::UnexpectedToken(b"echo".to_vec()));
    assert_eq!(error("if true; then"), ErrorKind::UnexpectedEnd);
    assert_eq!(error("echo \"a"), ErrorKind::Unterminated(b'"'));
    assert_eq!(error("echo ${x"), ErrorKind::Unterminated(b'}'));
    assert_eq!(error("echo $(a"), ErrorKind::Unterminated(b')'));
    assert_eq!(error("[[ a b ]]"), ErrorKind::Condition(b"conditional binary operator expected".to_vec()));
}

#[test]
fn nesting_without_end_is_an_error_and_no_overflow() {
    // A debug build's frames are several times those of a release build, which has 1 MB in a cell.
    let nested = || {
        for script in ["$(".repeat(5_000), "{ ".repeat(50_000), format!("x={}", "\"${a:-".repeat(5_000)), "((".repeat(2_000)] {
            let expected = matches!(error(&script), ErrorKind::Other(_) | ErrorKind::Unterminated(_));
            assert!(expected, "{}", &script[..20]);
        }
    };
    let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(nested).expect("a thread");
    assert!(thread.join().is_ok());
}

#[test]
fn bytes_that_are_no_utf8_stay_what_they_are() {
    let mut parser = Parser::from_text(b"echo \xff\xfe", 1);
    let list = parser.next_command().expect("no error").expect("a command");
    assert_eq!(print::chain(&list.items[0].chain), b"echo \xff\xfe");
}

#[test]
fn arithmetic_knows_precedence_and_says_where_it_is_wrong() {
    assert!(matches!(parse_arithmetic(b"1 + 2 * 3"), Ok(Expression::Binary(_))));
    assert_eq!(parse_arithmetic(b"1 +").expect_err("an operand is missing").at, 2);
    assert_eq!(parse_arithmetic(b"1 2").expect_err("two numbers").message, "syntax error in expression");
    assert_eq!(parse_number(b"0x1F"), Ok(31));
    assert_eq!(parse_number(b"36#zz"), Ok(1295));
    assert_eq!(parse_number(b"08"), Err("value too great for base"));
}

#[test]
fn an_expansion_that_is_an_operand_is_compiled_and_one_that_is_glued_is_not() {
    let arithmetic = |script: &str| match &first_words(script)[1].parts[0] {
        Part::Arithmetic(arithmetic) => arithmetic.compiled.is_some(),
        part => panic!("{part:?}"),
    };
    assert!(arithmetic("echo $(( $a + ${b} ))"));
    assert!(!arithmetic("echo $(( 1$a ))"));
    assert!(!arithmetic("echo $(( 16#$a ))"));
}

#[test]
fn a_function_is_printed_as_bash_prints_it() {
    let CommandKind::Function(function) = first_command("f() { if a; then b; fi; for i in 1 2; do c; done; }").kind else {
        panic!("no function");
    };
    let expected = "f () \n{ \n    if a; then\n        b;\n    fi;\n    for i in 1 2;\n    do\n        c;\n    done\n}";
    assert_eq!(String::from_utf8(print::function(&function)).expect("UTF-8"), expected);
}

#[test]
fn an_alias_is_put_in_its_place_but_not_in_its_own_text() {
    let mut parser = Parser::from_text(b"ls x", 1);
    parser.aliases.insert(b"ls".to_vec(), b"ls -l".to_vec());
    let list = parser.next_command().expect("no error").expect("a command");
    assert_eq!(print::chain(&list.items[0].chain), b"ls -l x");
}
