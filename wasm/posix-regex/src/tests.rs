use super::*;

fn find(syntax: Syntax, pattern: &str, text: &str) -> Option<String> {
    let regex = Regex::new(&[pattern.as_bytes()], Options { lenient: true, ..Options::new(syntax) }).expect("pattern is valid");
    regex.find_at(text.as_bytes(), 0).expect("search ends").map(|(a, b)| text[a..b].to_owned())
}

fn basic(pattern: &str, text: &str) -> Option<String> {
    find(Syntax::Basic, pattern, text)
}

fn extended(pattern: &str, text: &str) -> Option<String> {
    find(Syntax::Extended, pattern, text)
}

#[test]
fn the_longest_of_the_leftmost_matches_wins() {
    assert_eq!(extended("ab|abcd", "xabcd"), Some("abcd".into()));
    assert_eq!(extended("a*(ab)?", "aab"), Some("aab".into()));
    assert_eq!(extended("\\b(é|éa)", "éab"), Some("éa".into()));
}

#[test]
fn groups_belong_to_the_longest_match() {
    let regex = Regex::new(&[b"(a|ab)(c|bcd)(d*)"], Options::new(Syntax::Extended)).expect("valid");
    let mut groups = Groups::default();
    assert_eq!(regex.groups_at(b"xabcd", 0, &mut groups), Ok(true));
    assert_eq!(
        (groups.get(0), groups.get(1), groups.get(2), groups.get(3)),
        (Some((1, 5)), Some((1, 2)), Some((2, 5)), Some((5, 5)))
    );
}

#[test]
fn back_references_match_the_same_text() {
    assert_eq!(basic("\\(.*\\)-\\1", "xab-abx"), Some("ab-ab".into()));
    assert_eq!(extended("(a)(b)?\\2", "ab"), None);
    assert_eq!(basic("\\(a*\\)*\\1", "aaa"), Some("aaa".into()));
}

#[test]
fn stars_and_anchors_are_literal_where_basic_syntax_says_so() {
    assert_eq!(basic("*a", "x*a"), Some("*a".into()));
    assert_eq!(basic("a^b$c", "a^b$c"), Some("a^b$c".into()));
    assert_eq!(basic("\\(^a\\)", "ba"), None);
    assert_eq!(basic("a\\{2,\\}", "aaaa"), Some("aaaa".into()));
    assert_eq!(extended("a{,2}", "aaaa"), Some("aa".into()));
    assert_eq!(extended("a{1", "a{1"), Some("a{1".into()));
}

#[test]
fn brackets_hold_classes_ranges_and_themselves() {
    assert_eq!(basic("[]x]*", "]x]"), Some("]x]".into()));
    assert_eq!(basic("[^[:space:]]*", "ab c"), Some("ab".into()));
    assert_eq!(basic("[a\\]*", "a\\b"), Some("a\\".into()));
    assert_eq!(basic("[[.-.]a]*", "-a"), Some("-a".into()));
}

#[test]
fn wrong_patterns_get_the_texts_of_glibc() {
    let error = |pattern: &str| Regex::new(&[pattern.as_bytes()], Options::new(Syntax::Basic)).err().map(|e| e.to_string());
    assert_eq!(error("\\("), Some("Unmatched ( or \\(".into()));
    assert_eq!(error("[a"), Some("Unmatched [, [^, [:, [., or [=".into()));
    assert_eq!(error("\\1"), Some("Invalid back reference".into()));
    assert_eq!(error("a\\{2,1\\}"), Some("Invalid content of \\{\\}".into()));
    assert_eq!(error("a\\"), Some("Trailing backslash".into()));
    assert_eq!(error("a"), None);
}

#[test]
fn a_word_is_not_part_of_a_longer_one() {
    let word = Options { whole: Whole::Word, ..Options::new(Syntax::Basic) };
    let regex = Regex::new(&[b"a.*"], word).expect("valid");
    assert_eq!(regex.find_at(b"xa a-b", 0), Ok(Some((3, 6))));
    assert_eq!(regex.find_at(b"xab", 0), Ok(None));
}
