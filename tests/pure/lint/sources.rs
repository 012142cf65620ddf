//! Reading migrations' source files.

use proptest::prelude::*;
use sea_orm_cascade::Backend::{self, MySql, Postgres, Sqlite};
use sea_orm_cascade::lint::migration::{self, Direction, Script, source};
use sea_orm_cascade::overlay::LintSettings;

const REVIEWS: &str = include_str!("../fixtures/migrations/m20260201_000001_reviews.rs");
const OWNER: &str = include_str!("../fixtures/migrations/m20260202_000001_owner.rs");
const STAGED: &str = include_str!("../fixtures/migrations/m20260203_000001_staged.rs");
const TUTORIAL: [(&str, &str); 3] = [
    (
        "m20260101_000001_create_users.rs",
        include_str!("../../../migration/src/m20260101_000001_create_users.rs"),
    ),
    (
        "m20260102_000001_create_posts.rs",
        include_str!("../../../migration/src/m20260102_000001_create_posts.rs"),
    ),
    (
        "m20260103_000001_add_posts_user_id.rs",
        include_str!("../../../migration/src/m20260103_000001_add_posts_user_id.rs"),
    ),
];

/// What is found, by code, line and message.
fn found(text: &str, backend: Backend, direction: Direction) -> Vec<String> {
    shown(&source::read(text).script(backend, direction))
}

fn shown(script: &Script<'_>) -> Vec<String> {
    let findings = migration::lint(script, &LintSettings::default());
    let mut lines: Vec<_> = findings
        .iter()
        .map(|finding| {
            let line = finding.place.as_ref().map_or(0, |place| place.line);
            (line, format!("{line} {} {}", finding.code, finding.message))
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

fn unread(text: &str, backend: Backend) -> Vec<String> {
    let unread = source::read(text).unread(backend, Direction::Up);
    unread
        .iter()
        .map(|unread| format!("{} {}", unread.line, unread.call))
        .collect()
}

/// The line that a text stands on.
fn line(text: &str, needle: &str) -> usize {
    let (before, _) = text.split_once(needle).expect("it is there");
    before.matches('\n').count() + 1
}

/// `up` with this body.
fn up(body: &str) -> String {
    format!(
        "impl MigrationTrait for M {{ async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {{\n{body}\n}} }}"
    )
}

fn codes(body: &str, backend: Backend) -> Vec<&'static str> {
    let script = source::read(&up(body)).script(backend, Direction::Up);
    let findings = migration::lint(&script, &LintSettings::default());
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn calls_of_the_builder() {
    let expected = [
        // Making a table that references one makes that one's writers wait.
        "11 L36 SHARE ROW EXCLUSIVE on books is waited for without a lock_timeout",
        "31 L30 books.publisher_id gets a foreign key to publishers that is validated at once: writers of both tables wait while all of \
         books is read",
        "31 L32 books.publisher_id is NOT NULL and has no default: if the table has a row, this fails",
        "31 L36 SHARE ROW EXCLUSIVE on publishers is waited for without a lock_timeout",
        "31 L40 books.publisher is dropped with what is in it",
        "51 L35 the index idx-books-publisher_id of books is not made CONCURRENTLY: writers of books wait until it is there",
        "52 L30 books.author_id gets a foreign key to authors that is validated at once: writers of both tables wait while all of books is \
         read",
        "52 L36 SHARE ROW EXCLUSIVE on authors is waited for without a lock_timeout",
        "53 L36 ACCESS EXCLUSIVE on book_tags is waited for without a lock_timeout",
        "53 L40 book_tags is dropped with all its rows",
    ];
    assert_eq!(found(REVIEWS, Postgres, Direction::Up), expected);
    assert_eq!(unread(REVIEWS, Postgres), [""; 0]);
    assert_eq!(
        found(REVIEWS, Postgres, Direction::Down),
        ["57 L36 ACCESS EXCLUSIVE on reviews is waited for without a lock_timeout"]
    );
}

#[test]
fn texts_wherever_they_come_from() {
    let postgres = [format!(
        "{} L35 the index {{name}} of shelves is not made CONCURRENTLY: writers of shelves wait until it is there",
        line(OWNER, "format!(\"CREATE INDEX")
    )];
    assert_eq!(found(OWNER, Postgres, Direction::Up), postgres);
    let call = line(OWNER, "index_name_of(manager)");
    assert_eq!(unread(OWNER, Postgres), [format!("{call} execute_unprepared")]);
    // `// cascade: ignore` is what keeps the backfill from being found.
    let fill = line(OWNER, "concat!");
    let told = found(&OWNER.replace("cascade: ignore L39", ""), Postgres, Direction::Up);
    assert_eq!(
        told.first().map(String::as_str),
        Some(&*format!(
            "{fill} L39 shelves.owner_id is filled by one UPDATE: all rows of shelves are locked until it ends"
        ))
    );
    // In the migrator's default transaction the two steps are one.
    let in_one = OWNER.replace("Some(false)", "None");
    let codes: Vec<_> = found(&in_one, Postgres, Direction::Up)
        .iter()
        .filter_map(|line| line.split(' ').nth(1).map(str::to_owned))
        .collect();
    assert_eq!(codes, ["L35", "L31"]);

    let column = line(OWNER, "bigint NOT NULL");
    let mysql = found(OWNER, MySql, Direction::Up);
    let mysql: Vec<_> = mysql.iter().map(|line| line.split_at(6).0).collect();
    assert_eq!(
        mysql,
        [
            format!("{column} L32"),
            format!("{column} L36"),
            format!("{} L44", column + 1)
        ]
    );
    assert_eq!(found(OWNER, Sqlite, Direction::Up), [""; 0]);
    assert_eq!(unread(OWNER, MySql), [""; 0]);
    assert_eq!(
        unread(OWNER, Sqlite),
        [format!("{} shelves", line(OWNER, "rebuild::shelves"))]
    );
    let down = line(OWNER, "DROP COLUMN");
    assert_eq!(
        found(OWNER, Postgres, Direction::Down),
        [format!(
            "{down} L36 ACCESS EXCLUSIVE on shelves is waited for without a lock_timeout"
        )]
    );
}

#[test]
fn a_column_that_an_alteration_drops_is_lost() {
    let file = r#"
        impl MigrationTrait for Migration {
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                Alteration::new("posts")
                    .add_column(ColumnDef::new("views").integer())
                    .drop_column("title")
                    .run(manager.get_connection())
                    .await?;
                // cascade: ignore L40
                Alteration::new("posts").drop_column("body").run(manager.get_connection()).await?;
                Ok(())
            }
            async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                Alteration::new("posts").drop_column("views").run(manager.get_connection()).await?;
                Ok(())
            }
        }
    "#;
    for backend in [Sqlite, Postgres, MySql] {
        assert_eq!(
            found(file, backend, Direction::Up),
            ["6 L40 posts.title is dropped with what is in it"]
        );
        assert_eq!(found(file, backend, Direction::Down), [""; 0]);
    }
}

#[test]
fn staged_operations_are_left_alone() {
    for backend in [Postgres, MySql, Sqlite] {
        assert_eq!(found(STAGED, backend, Direction::Up), [""; 0]);
        assert_eq!(unread(STAGED, backend), [""; 0]);
        assert!(source::read(STAGED).is_migration());
    }
}

/// The tutorial adds its key to a table with rows in steps that keep nobody waiting.
#[test]
fn the_tutorial() {
    for backend in [Postgres, MySql, Sqlite] {
        let mut earlier = Script::new(backend);
        for (name, text) in TUTORIAL {
            let script = source::read(text).script(backend, Direction::Up);
            let judged = script.clone().in_file(name).after(&earlier);
            assert_eq!(shown(&judged), [""; 0], "{name}");
            assert_eq!(unread(text, backend), [""; 0], "{name}");
            earlier = earlier.then(&script);
        }
    }
}

#[test]
fn branches_are_for_the_engines_they_name() {
    let drop = |condition: &str| {
        let body = format!(
            "let backend = manager.get_database_backend(); {condition} {{ db.execute_unprepared(\"DROP TABLE a\").await?; }}"
        );
        [Postgres, MySql, Sqlite].map(|backend| codes(&body, backend).contains(&"L40"))
    };
    assert_eq!(drop("if backend == DbBackend::Postgres"), [true, false, false]);
    assert_eq!(drop("if backend != DbBackend::Postgres"), [false, true, true]);
    assert_eq!(
        drop("if matches!(backend, DbBackend::MySql | DbBackend::Sqlite)"),
        [false, true, true]
    );
    assert_eq!(drop("if !matches!(backend, DbBackend::MySql)"), [true, false, true]);
    assert_eq!(
        drop("if backend == DbBackend::MySql || backend == DbBackend::Sqlite"),
        [false, true, true]
    );
    assert_eq!(drop("if backend == DbBackend::MySql && old"), [false, true, false]);
    assert_eq!(drop("if backend == DbBackend::MySql || old"), [true, true, true]);
    assert_eq!(
        drop("if backend == DbBackend::MySql { return Ok(()); } if old"),
        [true, false, true]
    );
    assert_eq!(
        drop("if backend == DbBackend::MySql { x(); } else if old"),
        [true, false, true]
    );
    assert_eq!(
        drop("if backend == DbBackend::MySql { x(); } else if old { y(); } else"),
        [true, false, true]
    );
    assert_eq!(
        drop("match backend { Backend::MySql | Backend::Sqlite => return Ok(()), _ =>"),
        [true, false, false]
    );
}

#[test]
fn rust_is_cut_where_it_ends() {
    for drops in [
        r#"db.execute_unprepared("DROP TABLE a").await"#,
        r##"db.execute_unprepared(r#"DROP TABLE a"#).await"##,
        "db.execute_unprepared(\"DROP \\\n      TABLE \\\"a\\\"\").await",
        r#"let c = '"'; let l: &'static str = "x"; let d = '\''; db.execute_unprepared(&"DROP TABLE a".to_owned()).await"#,
        r#"db.execute(Statement::from_sql_and_values(DbBackend::Postgres, "DROP TABLE a", [1.into()])).await"#,
        r#"let sql = ["DROP", "TABLE a"].join(" "); run(&sql).await"#,
        r#"for table in ["a", "b"] { db.execute_unprepared(&format!("DROP TABLE {}", table)).await?; }"#,
        r#"db.execute_unprepared(&format!("DROP TABLE {0} /* {{x}} */", name())).await"#,
        r#"nested().await } } async fn nested() { inner("a").await } async fn inner<'a, F: Fn(&str) -> u8>(t: &str) { x.execute_unprepared(&format!("DROP TABLE {t}")).await; { {"#,
    ] {
        assert!(codes(drops, Postgres).contains(&"L40"), "{drops}");
    }
    for harmless in [
        r#"/* /* */ db.execute_unprepared("DROP TABLE a") */ Ok(())"#,
        r#"// db.execute_unprepared("DROP TABLE a")"#,
        r#"println!("DROP TABLE a"); Err(DbErr::Custom("DROP TABLE a".to_owned()))"#,
        r##"#[doc = "x"] fn unused() { db.execute_unprepared("DROP TABLE a"); } Ok(())"##,
    ] {
        assert_eq!(codes(harmless, Postgres), [""; 0], "{harmless}");
    }
    // Calls in circles end.
    assert_eq!(
        codes(
            "a().await } } async fn a() { b().await } async fn b() { a().await; b().await; { {",
            Postgres
        ),
        [""; 0]
    );
}

#[test]
fn an_orphan_check_of_this_crate_is_a_proof() {
    let off = r#"db.execute_unprepared("SET foreign_key_checks = 0").await?;"#;
    assert_eq!(codes(off, MySql), ["L44"]);
    assert_eq!(
        codes(
            &format!("{off} orphans::find_all(&connection, &schema, 10).await"),
            MySql
        ),
        [""; 0]
    );
}

fn nearly_rust() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(vec![
            "fn", "up", "down", "use_transaction", "(", ")", "{", "}", "[", "]", "<", ">", "manager", ".", "execute_unprepared", "from_string",
            "\"DROP TABLE a\"", "format", "!", "\"{}{x}{\"", "concat", "let", "mut", "=", ";", "for", "in", "match", "=>", "if", "else", ":",
            "DbBackend", "::", "Postgres", "MySql", "_", ",", "&", "'", "\"", "r#\"", "\"#", "\\", "//", "/*", "*/", "\n", "create_table",
            "alter_table", "Table", "create", "table", "add_column", "const", "A", "return", "Some", "true", "#", "é", "self", "|", "b",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn any_file_is_read(file in nearly_rust(), inside in any::<bool>()) {
        let file = if inside { up(&file) } else { file };
        let read = source::read(&file);
        for backend in [Postgres, MySql, Sqlite] {
            for direction in [Direction::Up, Direction::Down] {
                let found = migration::lint(&read.script(backend, direction), &LintSettings::default());
                prop_assert!(found.iter().all(|finding| finding.place.is_some()));
                prop_assert!(read.unread(backend, direction).iter().all(|unread| unread.line > 0));
            }
        }
    }
}

/// What is deep or calls itself over and over does not use up the stack or the time.
#[test]
fn files_without_an_end() {
    for deep in [
        "(",
        "{",
        "[",
        "if ",
        "match ",
        "else if x {",
        "a(",
        "\"a\"(",
        "&",
        "fn a(",
        "fn a() { a(",
        "/*",
        "format!(",
        "let a = [",
    ] {
        let file = up(&format!("{} x", deep.repeat(1_000)));
        assert!(source::read(&file).is_migration());
    }
    let calls: String = (0..30)
        .map(|n| format!("fn f{n}() {{ f{0}(); f{0}(); f{0}(); }}", n + 1))
        .collect();
    assert!(source::read(&format!("{calls} fn up() {{ f0(); }}")).is_migration());
}
