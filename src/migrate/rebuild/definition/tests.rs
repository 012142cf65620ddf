//! What is edited is where it should be, and the rest of the text stays to the letter. What SQLite makes of it is in
//! `tests/suite/required_sqlite.rs`.

use super::Definition;
use crate::migrate::rebuild::Edit;
use crate::name::{ColumnName, Relation, TableName};

const POSTS: &str = "CREATE TABLE posts (id integer PRIMARY KEY, -- the (first), column
    \"ti,tle\" text DEFAULT 'a, (b' CHECK (length(\"ti,tle\") > 0), -- its title
    CONSTRAINT short CHECK (id < 10)) STRICT";

const QUOTED: &str = "CREATE TABLE [po (sts]/**/(`id` INTEGER constraint k primary key autoincrement,'a b' Text NULL Default NULL \
    COLLATE nocase , [user_id] int Constraint must NOT /* never */ NULL on conflict fail REFERENCES users(id) ON DELETE SET NULL \
    DEFERRABLE INITIALLY DEFERRED unique, total AS (id * 2) STORED -- twice
    )WITHOUT ROWID";

fn edited(sql: &str, edits: &[Edit]) -> String {
    let start = Definition::new("posts", sql);
    let end = edits.iter().try_fold(start, |definition, edit| definition.edited(edit));
    end.map_or_else(|error| error.to_string(), |definition| definition.sql)
}

fn add_column() -> Edit {
    Edit::AddColumn {
        definition: "user_id bigint NOT NULL".to_owned(),
    }
}

fn add_key() -> Edit {
    Edit::AddConstraint {
        text: "FOREIGN KEY (user_id) REFERENCES users (id)".to_owned(),
    }
}

fn key() -> Edit {
    Edit::DropForeignKey(Relation {
        constraint: None,
        table: TableName::new("posts"),
        columns: vec![ColumnName::new("user_id")],
        referenced_table: TableName::new("Users"),
        referenced_columns: vec![ColumnName::new("id")],
    })
}

fn user_id() -> ColumnName {
    ColumnName::new("USER_id")
}

#[test]
fn columns_go_before_constraints_and_the_text_stays() {
    assert_eq!(
        edited(POSTS, &[add_column(), add_key()]),
        "CREATE TABLE posts (id integer PRIMARY KEY, -- the (first), column
    \"ti,tle\" text DEFAULT 'a, (b' CHECK (length(\"ti,tle\") > 0), -- its title
    user_id bigint NOT NULL, CONSTRAINT short CHECK (id < 10), FOREIGN KEY (user_id) REFERENCES users (id)) STRICT"
    );
}

#[test]
fn what_is_last_goes_behind_the_comment_of_what_was() {
    assert_eq!(
        edited("CREATE TABLE t(a, b -- b\n)", &[add_column()]),
        "CREATE TABLE t(a, b -- b\n, user_id bigint NOT NULL)"
    );
    assert_eq!(
        edited("CREATE TABLE t(\n  a,\n  b\n)", &[add_column()]),
        "CREATE TABLE t(\n  a,\n  b, user_id bigint NOT NULL\n)"
    );
}

#[test]
fn taking_back_gives_what_was_there() {
    for sql in [
        POSTS,
        "CREATE TABLE t(a, b -- b\n)",
        "CREATE TABLE t(\n  a\n)",
        "CREATE TABLE t (a, CHECK (a > 0) -- b\n)",
    ] {
        let (there, back) = ([add_column(), add_key()], [key(), Edit::DropColumn(user_id())]);
        let all: Vec<_> = there.into_iter().chain(back).collect();
        assert_eq!(edited(sql, &all), sql);
    }
}

#[test]
fn constraints_of_a_column_are_found_however_they_are_written() {
    let cases: [(Edit, &str, &str); 4] = [
        (
            Edit::DropNotNull(user_id()),
            " Constraint must NOT /* never */ NULL on conflict fail",
            "",
        ),
        (
            key(),
            " REFERENCES users(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED",
            "",
        ),
        (Edit::SetNotNull(ColumnName::new("A B")), "Text NULL", "Text NOT NULL"),
        (
            Edit::SetNotNull(ColumnName::new("total")),
            "total AS",
            "total NOT NULL AS",
        ),
    ];
    for (edit, old, new) in cases {
        assert_eq!(
            edited(QUOTED, std::slice::from_ref(&edit)),
            QUOTED.replace(old, new),
            "{edit:?}"
        );
    }
    let unchanged = [Edit::SetNotNull(user_id()), Edit::DropNotNull(ColumnName::new("total"))];
    assert_eq!(edited(QUOTED, &unchanged), QUOTED);
}

#[test]
fn constraints_of_the_table_need_no_commas_between_them() {
    let sql = "CREATE TABLE t (user_id, id, UNIQUE (id) CONSTRAINT k FOREIGN KEY (user_id) REFERENCES users NOT DEFERRABLE CHECK (id))";
    assert_eq!(
        edited(sql, &[key()]),
        "CREATE TABLE t (user_id, id, UNIQUE (id) CHECK (id))"
    );
    assert_eq!(
        edited(
            "CREATE TABLE t (user_id, FOREIGN KEY (user_id) REFERENCES users)",
            &[key()]
        ),
        "CREATE TABLE t (user_id)"
    );
}

#[test]
fn only_the_name_is_another() {
    let created = |sql: &str| Definition::new("posts", sql).create("\"x\"").unwrap_or_default();
    assert_eq!(
        created("CREATE TABLE IF NOT EXISTS main . posts(a)"),
        "CREATE TABLE \"x\" (a)"
    );
    assert!(created(QUOTED).starts_with("CREATE TABLE \"x\"/**/(`id` "));
}

#[test]
fn what_uses_a_column_is_found() {
    let user = |sql: &str| Definition::new("posts", sql).user_of(&user_id()).unwrap_or_default();
    let uses = [
        (
            "CREATE TABLE posts (id CHECK (id > User_Id), user_id)",
            "CHECK (id > User_Id)",
        ),
        (
            "CREATE TABLE posts (id, user_id, b AS (\"user_id\" + 1))",
            "AS (\"user_id\" + 1)",
        ),
        (
            "CREATE TABLE posts (id, user_id, UNIQUE (id, [user_id]))",
            "UNIQUE (id, [user_id])",
        ),
        (
            "CREATE TABLE posts (id, user_id, other REFERENCES posts (user_id))",
            "REFERENCES posts (user_id)",
        ),
    ];
    for (sql, text) in uses {
        assert_eq!(user(sql).as_deref(), Some(text));
    }
    let free = "CREATE TABLE posts (id DEFAULT 'user_id' REFERENCES users (user_id), user_id CHECK (user_id > 0), c CHECK (user_id(c) = 1))";
    assert_eq!(user(free), None);
}

#[test]
fn any_text_is_read() {
    let edits = [
        add_column(),
        add_key(),
        key(),
        Edit::SetNotNull(user_id()),
        Edit::DropColumn(user_id()),
    ];
    for sql in [POSTS, QUOTED] {
        for (end, _) in sql.char_indices() {
            let (start, rest) = sql.split_at(end);
            for text in [start, rest] {
                edited(text, &edits);
            }
        }
    }
    for text in [
        "",
        "(",
        "CREATE TABLE t (",
        "CREATE TABLE t (,)",
        "CREATE TABLE t ()",
        "CREATE TABLE t (a DEFAULT)",
        "(a)",
    ] {
        edited(text, &edits);
    }
}
