//! Any text is read, and the end of what is understood is where it should be. What the statements mean is compared with SQLite itself in
//! `tests/suite/introspect.rs`.

use super::{Definition, IndexDefinition};
use crate::backend::Backend;
use crate::lex::{tokens, without_parentheses};

const ODD: &str = r#"CREATE TABLE [o (] -- ) a comment
 (`a,``b` varchar(10) DEFAULT ('(,)') CHECK ("x""(" <> ')') /* , ( */ CONSTRAINT "k" REFERENCES [t (] ON DELETE SET NULL MATCH full DEFERRABLE
  INITIALLY DEFERRED COLLATE NOCASE, é text, PRIMARY KEY (é AUTOINCREMENT) CONSTRAINT u UNIQUE (é, `a,``b`) FOREIGN KEY (é) REFERENCES t)"#;

#[test]
fn any_text_is_read() {
    let ends = ODD.char_indices().map(|(at, _)| at).chain([ODD.len()]);
    for end in ends {
        let (start, rest) = ODD.split_at(end);
        for text in [start, rest] {
            let read = Definition::read(text);
            assert!(read.columns.len() <= 8, "{text}: {read:?}");
            IndexDefinition::read(text);
            // The tokens are the text, but for comments and white space.
            let mut rest = text;
            for token in tokens(Backend::Sqlite, text) {
                rest = rest.split_once(token.text).expect("a token is a part of the text").1;
            }
        }
    }
    for text in [
        "",
        "(",
        ")",
        "CREATE TABLE t",
        "CREATE TABLE t (",
        "CREATE TABLE t (,,)",
        "'",
        "CREATE TABLE t (a DEFAULT",
        "((((a))",
    ] {
        Definition::read(text);
        IndexDefinition::read(text);
    }
}

#[test]
fn odd_names_and_comments() {
    let read = Definition::read(ODD);
    let columns: Vec<_> = read.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["a,`b", "é"]);
    assert_eq!(read.columns[0].collation.as_deref(), Some("NOCASE"));
    assert!(read.columns[1].auto_increment);
    assert_eq!(read.checks, [(r#""x""(" <> ')'"#.to_owned(), None)]);
    assert_eq!(
        read.unique,
        [(vec!["é".to_owned(), "a,`b".to_owned()], Some("u".into()))]
    );
    let keys: Vec<_> = read
        .foreign_keys
        .iter()
        .map(|key| {
            (
                key.name.as_ref().map(|name| name.as_str()),
                key.referenced_table.as_str(),
            )
        })
        .collect();
    assert_eq!(keys, [(Some("k"), "t ("), (None, "t")]);
}

#[test]
fn only_parentheses_around_the_whole_go() {
    for (text, inner) in [
        ("((a > 0))", "a > 0"),
        ("(a) + (b)", "(a) + (b)"),
        ("((a) + (b))", "(a) + (b)"),
        ("(a = ')')", "a = ')'"),
        ("(a", "(a"),
        ("()", ""),
        ("", ""),
    ] {
        for backend in [Backend::Postgres, Backend::MySql, Backend::Sqlite] {
            assert_eq!(without_parentheses(backend, text), inner);
        }
    }
    // Only MySQL escapes with a backslash.
    assert_eq!(without_parentheses(Backend::MySql, r"(a = '\')')"), r"a = '\')'");
    assert_eq!(without_parentheses(Backend::Postgres, r"(a = '\')"), r"a = '\'");
}
