//! The model's text form, and the schema of the tutorial's entities.

use sea_orm_cascade::{Backend, schema::Schema};

#[test]
fn the_tutorial_on_postgres() {
    let schema = entity::schema(Backend::Postgres).expect("its types are all there");
    insta::assert_snapshot!(schema);
}

#[test]
fn the_tutorial_on_mysql() {
    let schema = entity::schema(Backend::MySql).expect("its types are all there");
    insta::assert_snapshot!(schema);
}

#[test]
fn the_tutorial_on_sqlite() {
    let schema = entity::schema(Backend::Sqlite).expect("its types are all there");
    insta::assert_snapshot!(schema);
}

const EVERYTHING: &str = r#"backend postgres

type year: domain integer CHECK (VALUE >= 1901 AND VALUE <= 2155)
type billing.mood: enum 'sad', 'it''s, well', 'a)b'
sequence numbers: AS bigint START WITH 5

table "Odd.name"
  id: bigint, not null, identity by default
  n: integer, not null, serial
  total: numeric(10,2), not null, default 0
  "a ""b""": text, default 'x, y', collate "C"
  sum: integer, stored as (n + 1)
  v: integer, virtual as n
  u: timestamp, on update CURRENT_TIMESTAMP
  j: text, default {"'unbalanced"}, extra CHECK (n > 0)
  e: text
  primary key (id, n), as "pk of odd"
  unique ("a ""b"""), nulls not distinct, as u
  index (n DESC, (lower(note)) COLLATE "C" text_pattern_ops), unique, using gin, include (total, id), where ((n > 0) AND true), invalid, as "by, n"
  foreign key (a, b) references billing.parents (x, y), on delete set null (b), on update cascade, match full, deferrable initially deferred, not valid, not enforced, by application, as fk
  check (total >= 0), not valid, as positive
  with strict, without rowid, partition by RANGE (id), inherits base, inherits s.base2, engine MyISAM

left out: view, billing.v
left out: trigger, t, of "Odd.name", by {"CREATE TRIGGER t\nBEGIN"}
unknown: {"a thing, as it is"}
"#;

#[test]
fn what_is_written_is_read_back() {
    let schema = Schema::parse(EVERYTHING).expect("it is well formed");
    assert_eq!(schema.to_string(), EVERYTHING);
    let json = serde_json::to_string(&schema).expect("a schema is JSON");
    let back: Schema = serde_json::from_str(&json).expect("and JSON a schema");
    assert_eq!(back, schema);
}

#[test]
fn the_fingerprint_sees_attributes_and_not_order() {
    let of = |text: &str| Schema::parse(text).expect("it is well formed").fingerprint();
    let a = "backend sqlite\ntable a\n  id: integer\ntable b\n  id: integer\n";
    let reordered = "backend sqlite\ntable b\n  id: integer\ntable a\n  id: integer\n";
    assert_eq!(of(a), of(reordered));
    assert_eq!(of(a), of(&format!("{a}left out: view, v\n")));
    assert_ne!(of(a), of(&a.replace("integer", "text")));
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    let error = |text: &str| Schema::parse(text).expect_err("it is not well formed").to_string();
    insta::assert_snapshot!(
        [
            error("tabel posts"),
            error("table a b"),
            error("  id: integer"),
            error("table a\n  id integer"),
            error("table a\n  id: integer, nut null"),
            error("table a\n  id: integer, default 'x"),
            error("table a\n  foreign key (x) references b (id), on delete explode"),
            error("table a\n  index (x y z, \"q), unique"),
            error("backend oracle"),
        ]
        .join("\n")
    );
}
