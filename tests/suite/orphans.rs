//! Rows whose reference dangles: found, counted and shown page by page. How they are repaired: `repair`.

pub(crate) mod repair;

use anyhow::{Context, Result, ensure};
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::introspect::{self, Scope};
use sea_orm_cascade::orphans::{self, Finding, Mode, Orphans, Reason, Repair, RepairReport, Search};
use sea_orm_cascade::schema::{ForeignKey, Schema};
use sea_orm_cascade::{Backend, Error, Store, StoreOptions};

use crate::harness::{Db, cases, execute, number};
use crate::log::Log;

cases![
    counts_are_the_databases_own,
    pages_follow_a_composite_key,
    pages_follow_any_type_of_key,
    a_table_without_a_primary_key,
    match_full,
    what_cannot_be_checked,
    looking_does_not_doom_a_transaction,
    a_role_without_permission,
    odd_names_and_a_schema,
    as_sqlite_compares,
    random_data,
    values_stay_inside,
];

/// One connection, so that what a session is told holds for all that follows.
async fn lone(db: &Db) -> Result<Store> {
    db.store_with(StoreOptions::new().max_connections(1)).await
}

fn schema(db: &Db, tables: &str) -> Result<Schema> {
    Ok(Schema::parse(&format!("backend {}\n\n{tables}", db.backend))?)
}

/// The schema's key of this table.
fn key<'s>(schema: &'s Schema, table: &str) -> &'s ForeignKey {
    let mut keys = schema.foreign_keys().filter(|key| key.relation.table.name() == table);
    keys.next().unwrap()
}

/// Runs statements while the session's constraints do nothing.
async fn unenforced(store: &Store, statements: &[&str]) -> Result<()> {
    enforcement(store, false).await?;
    for statement in statements {
        execute(store, statement)
            .await
            .with_context(|| (*statement).to_owned())?;
    }
    enforcement(store, true).await
}

async fn enforcement(store: &Store, on: bool) -> Result<()> {
    let statement = match (store.backend(), on) {
        (Backend::Postgres, false) => "SET session_replication_role = replica",
        (Backend::Postgres, true) => "SET session_replication_role = DEFAULT",
        (Backend::MySql, false) => "SET SESSION foreign_key_checks = 0",
        (Backend::MySql, true) => "SET SESSION foreign_key_checks = 1",
        (Backend::Sqlite, false) => "PRAGMA foreign_keys = OFF",
        (Backend::Sqlite, true) => "PRAGMA foreign_keys = ON",
    };
    execute(store, statement).await
}

/// The texts a query of the test's own gives.
async fn texts(store: &Store, sql: &str) -> Result<Vec<String>> {
    let statement = Statement::from_string(store.backend().into(), sql);
    let rows = store.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

async fn found(store: &Store, schema: &Schema, key: &ForeignKey, search: &Search) -> Result<Orphans> {
    let finding = orphans::find(store.connection(), schema, key, search).await?;
    finding.orphans().cloned().with_context(|| finding.to_string())
}

async fn rows(store: &Store, schema: &Schema, key: &ForeignKey) -> Result<u64> {
    Ok(found(store, schema, key, &Search::new()).await?.rows)
}

async fn apply(store: &Store, schema: &Schema, key: &ForeignKey, repair: &Repair) -> Result<RepairReport, Error> {
    orphans::repair(store.connection(), schema, key, repair, Mode::Apply).await
}

async fn reason(store: &Store, schema: &Schema, key: &ForeignKey) -> Result<Reason> {
    match orphans::find(store.connection(), schema, key, &Search::new().sample(3)).await? {
        Finding::Unchecked { reason, .. } => Ok(reason),
        finding @ Finding::Checked(_) => anyhow::bail!("it was checked: {finding}"),
    }
}

/// Users with posts with comments, and members of tenants with cards: 4 of 6 posts and 3 of 8 cards dangle.
const TABLES: &str = "\
table cards
  id: bigint, not null
  tenant_id: bigint
  member_id: bigint
  primary key (id)
  foreign key (tenant_id, member_id) references members (tenant_id, id), on delete cascade

table comments
  id: bigint, not null
  post_id: bigint, not null
  primary key (id)
  foreign key (post_id) references posts (id), on delete cascade

table members
  tenant_id: bigint, not null
  id: bigint, not null
  primary key (tenant_id, id)

table posts
  id: bigint, not null
  user_id: bigint
  primary key (id)
  foreign key (user_id) references users (id), on delete cascade

table users
  id: bigint, not null
  primary key (id)
";

async fn family(store: &Store) -> Result<()> {
    for statement in [
        "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY)",
        "CREATE TABLE posts (id BIGINT NOT NULL PRIMARY KEY, user_id BIGINT, \
         FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)",
        "CREATE TABLE comments (id BIGINT NOT NULL PRIMARY KEY, post_id BIGINT NOT NULL, \
         FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE)",
        "CREATE TABLE members (tenant_id BIGINT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (tenant_id, id))",
        "CREATE TABLE cards (id BIGINT NOT NULL PRIMARY KEY, tenant_id BIGINT, member_id BIGINT, \
         FOREIGN KEY (tenant_id, member_id) REFERENCES members (tenant_id, id) ON DELETE CASCADE)",
    ] {
        execute(store, statement).await?;
    }
    unenforced(
        store,
        &[
            "INSERT INTO users VALUES (1), (2)",
            "INSERT INTO posts VALUES (1, 1), (2, NULL), (3, 20), (4, 20), (5, 21), (6, -1)",
            "INSERT INTO comments VALUES (1, 1), (2, 3), (3, 3), (4, 6)",
            "INSERT INTO members VALUES (1, 1), (1, 2), (2, 1)",
            // Whatever is NULL in part references nothing, also where the other part is nobody's.
            "INSERT INTO cards VALUES (1, 1, 1), (2, 2, 1), (3, NULL, NULL), (4, NULL, 99), (5, 99, NULL), \
             (6, 2, 2), (7, 99, 1), (8, 1, 99)",
        ],
    )
    .await
}

/// What SQL of the test's own says dangles, in two other ways than `NOT EXISTS`.
async fn dangling_posts(store: &Store) -> Result<[i64; 2]> {
    let not_in = "SELECT COUNT(*) FROM posts WHERE user_id NOT IN (SELECT id FROM users)";
    let join = "SELECT COUNT(*) FROM posts LEFT JOIN users ON users.id = posts.user_id \
                WHERE users.id IS NULL AND posts.user_id IS NOT NULL";
    Ok([number(store, not_in).await?, number(store, join).await?])
}

async fn dangling_cards(store: &Store) -> Result<[i64; 2]> {
    let not_in = "SELECT COUNT(*) FROM cards WHERE (tenant_id, member_id) NOT IN (SELECT tenant_id, id FROM members) \
                  AND tenant_id IS NOT NULL AND member_id IS NOT NULL";
    let join = "SELECT COUNT(*) FROM cards LEFT JOIN members ON members.id = cards.member_id AND members.tenant_id = cards.tenant_id \
                WHERE members.id IS NULL AND cards.tenant_id + cards.member_id IS NOT NULL";
    Ok([number(store, not_in).await?, number(store, join).await?])
}

async fn counts_are_the_databases_own(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(&db, TABLES)?;
    ensure!(dangling_posts(&store).await? == [4, 4] && dangling_cards(&store).await? == [3, 3]);
    let findings = orphans::find_all(store.connection(), &schema, 2).await?;
    let shown: Vec<_> = findings.iter().map(ToString::to_string).collect();
    ensure!(
        shown
            == [
                "cards.(tenant_id, member_id): 3 row(s) reference no row of members",
                "comments.post_id: every reference has its row of posts",
                "posts.user_id: 4 row(s) reference no row of users",
            ],
        "{shown:#?}"
    );
    // The same from the schema that the catalog gives.
    let live = introspect::schema(store.connection(), &Scope::Own).await?;
    ensure!(orphans::find_all(store.connection(), &live, 2).await?.len() == 3);
    for (of_live, of_text) in orphans::find_all(store.connection(), &live, 2)
        .await?
        .iter()
        .zip(&findings)
    {
        let (of_live, of_text) = (of_live.orphans().unwrap(), of_text.orphans().unwrap());
        ensure!(of_live.rows == of_text.rows && of_live.sample == of_text.sample && of_live.next == of_text.next);
    }
    let sample = |finding: &Finding| {
        let sample = &finding.orphans().unwrap().sample;
        sample.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    ensure!(
        sample(&findings[0])
            == [
                "id = 6 ((tenant_id, member_id) = (2, 2))",
                "id = 7 ((tenant_id, member_id) = (99, 1))"
            ]
    );
    ensure!(sample(&findings[2]) == ["id = 3 (user_id = 20)", "id = 4 (user_id = 20)"]);
    if db.backend == Backend::Sqlite {
        let checked = "SELECT COUNT(*) FROM pragma_foreign_key_check WHERE \"table\" = 'posts'";
        ensure!(number(&store, checked).await? == 4);
        // Also with enforcement off, and after it.
        enforcement(&store, false).await?;
        ensure!(rows(&store, &schema, key(&schema, "cards")).await? == 3);
    }
    Ok(())
}

async fn pages_follow_a_composite_key(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    execute(&store, "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY)").await?;
    execute(
        &store,
        "CREATE TABLE rows_of (a BIGINT NOT NULL, b VARCHAR(9) NOT NULL, c BIGINT NOT NULL, user_id BIGINT, PRIMARY KEY (a, b, c))",
    )
    .await?;
    let mut values = Vec::new();
    for a in 1..=3 {
        for b in ["x", "y'", "z\"`"] {
            for c in [-1_i64, 0, 9_007_199_254_740_993, 9_007_199_254_740_992] {
                values.push(format!(
                    "({a}, '{}', {c}, {})",
                    b.replace('\'', "''"),
                    1 + c.rem_euclid(2)
                ));
            }
        }
    }
    execute(&store, "INSERT INTO users VALUES (1)").await?;
    execute(&store, &format!("INSERT INTO rows_of VALUES {}", values.join(", "))).await?;
    let schema = schema(
        &db,
        "table rows_of\n  a: bigint, not null\n  b: varchar(9), not null\n  c: bigint, not null\n  user_id: bigint\n  \
         primary key (a, b, c)\n  foreign key (user_id) references users (id)\n",
    )?;
    let as_text = match db.backend {
        Backend::MySql => "CHAR",
        Backend::Postgres | Backend::Sqlite => "TEXT",
    };
    let concatenated = match db.backend {
        Backend::MySql => format!("CONCAT(CAST(a AS {as_text}), ' ', b, ' ', CAST(c AS {as_text}))"),
        Backend::Postgres | Backend::Sqlite => {
            format!("CAST(a AS {as_text}) || ' ' || b || ' ' || CAST(c AS {as_text})")
        }
    };
    let expected = texts(
        &store,
        &format!("SELECT {concatenated} FROM rows_of WHERE user_id <> 1 ORDER BY a, b, c"),
    )
    .await?;
    ensure!(expected.len() == 18, "{expected:?}");
    let key = key(&schema, "rows_of");
    for size in [1, 4, 6, 17, 18, 19] {
        let mut seen = Vec::new();
        let mut search = Search::new().sample(size);
        loop {
            let page = found(&store, &schema, key, &search).await?;
            ensure!(
                page.rows == 18,
                "the count is of all, wherever the page begins: {page:?}"
            );
            ensure!(u64::try_from(page.sample.len())? <= size);
            seen.extend(page.sample.iter().map(|orphan| orphan.key.values().join(" ")));
            match page.next {
                Some(next) => search = search.after(next),
                None => break,
            }
        }
        ensure!(seen == expected, "{size} a page: {seen:?}");
    }
    // A cursor of another table's is refused.
    let page = found(&store, &schema, key, &Search::new().sample(1)).await?;
    let mut other = schema.clone();
    other.tables[0].primary_key = None;
    let search = Search::new().sample(1).after(page.next.unwrap());
    let error = found(&store, &other, key, &search).await.unwrap_err();
    ensure!(
        error
            .to_string()
            .contains("the cursor belongs to another table or key than rows_of.user_id"),
        "{error}"
    );
    Ok(())
}

async fn pages_follow_any_type_of_key(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    execute(&store, "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY)").await?;
    // The type, four values in their order, and how a page shows them if not as they are written.
    let types: &[(&str, &str, &str)] = match db.backend {
        Backend::Postgres => &[
            (
                "uuid",
                "00000000-0000-0000-0000-000000000001|10000000-0000-0000-0000-000000000000|\
                 a0000000-0000-0000-0000-000000000000|b0000000-0000-0000-0000-000000000000",
                "",
            ),
            ("numeric(20,2)", "-1.50|2.00|10.00|123456789012345678.25", ""),
            ("bytea", "\\x00|\\x01ff|\\x0200|\\xff", ""),
            ("date", "1999-12-31|2000-01-01|2000-02-01|2010-01-01", ""),
            ("integer", "-5|2|10|100", ""),
            ("character(3)", "a|ab|b|c", ""),
        ],
        Backend::MySql => &[
            (
                "decimal(20,2)",
                "-1.50|2.00|123456789012345678.24|123456789012345678.25",
                "",
            ),
            ("bigint unsigned", "2|10|18446744073709551614|18446744073709551615", ""),
            ("varbinary(4)", "a|ab|b|z", "61|6162|62|7A"),
            (
                "datetime(1)",
                "1999-12-31 00:00:00.5|2000-01-01 00:00:00.0|2000-02-01 00:00:00.0|2010-01-01 00:00:00.0",
                "",
            ),
            ("varchar(9)", "a|B|c|D", ""),
        ],
        Backend::Sqlite => &[
            ("text", "10|2|a|b", ""),
            ("integer", "-5|2|10|100", ""),
            ("", "2|a|b|c", ""),
        ],
    };
    for (place, (data_type, values, shown)) in types.iter().enumerate() {
        let table = format!("t{place}");
        execute(
            &store,
            &format!("CREATE TABLE {table} (id {data_type} NOT NULL PRIMARY KEY, user_id BIGINT)"),
        )
        .await?;
        for value in values.split('|').rev() {
            execute(&store, &format!("INSERT INTO {table} VALUES ('{value}', 7)")).await?;
        }
        let expected = if shown.is_empty() { values } else { shown };
        let seen = pages_of_one(&db, &store, &table, data_type).await?.join("|");
        ensure!(seen == *expected, "{data_type}: {seen}");
    }
    if db.backend == Backend::Sqlite {
        // A column holds values of several types, and they sort by it.
        execute(&store, "CREATE TABLE mixed (id NOT NULL PRIMARY KEY, user_id BIGINT)").await?;
        execute(
            &store,
            "INSERT INTO mixed VALUES (x'ff00', 7), ('text', 7), (30, 7), (x'00', 7), (4, 7), ('1', 7)",
        )
        .await?;
        let shown = pages_of_one(&db, &store, "mixed", "").await?;
        ensure!(shown == ["4", "30", "1", "text", "00", "FF00"], "{shown:?}");
    }
    Ok(())
}

async fn pages_of_one(db: &Db, store: &Store, table: &str, data_type: &str) -> Result<Vec<String>> {
    let schema = schema(
        db,
        &format!(
            "table {table}\n  id: {{{}}}, not null\n  user_id: bigint\n  primary key (id)\n  foreign key (user_id) references users (id)\n",
            serde_json::Value::from(data_type)
        ),
    )?;
    let mut seen = Vec::new();
    let mut search = Search::new().sample(1);
    loop {
        let page = found(store, &schema, key(&schema, table), &search).await?;
        seen.extend(page.sample.iter().map(|orphan| orphan.key.values().join(" ")));
        match page.next {
            Some(next) => search = search.after(next),
            None => return Ok(seen),
        }
    }
}

async fn a_table_without_a_primary_key(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    execute(&store, "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY)").await?;
    execute(&store, "CREATE TABLE visits (user_id BIGINT)").await?;
    execute(&store, "INSERT INTO visits VALUES (5), (NULL), (4), (5), (6), (5)").await?;
    let schema = schema(
        &db,
        "table visits\n  user_id: bigint\n  foreign key (user_id) references users (id)\n",
    )?;
    let key = key(&schema, "visits");
    let page = found(&store, &schema, key, &Search::new().sample(2)).await?;
    let shown: Vec<_> = page.sample.iter().map(ToString::to_string).collect();
    ensure!(page.rows == 5 && shown == ["user_id = 4", "user_id = 5"], "{shown:?}");
    let page = found(&store, &schema, key, &Search::new().sample(2).after(page.next.unwrap())).await?;
    let shown: Vec<_> = page.sample.iter().map(ToString::to_string).collect();
    ensure!(shown == ["user_id = 6"] && page.next.is_none(), "{shown:?}");
    let report = apply(&store, &schema, key, &Repair::Delete).await?;
    ensure!(report.changed == 5 && number(&store, "SELECT COUNT(*) FROM visits").await? == 1);
    Ok(())
}

async fn match_full(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(
        &db,
        &TABLES.replace(
            "members (tenant_id, id), on delete cascade",
            "members (tenant_id, id), match full",
        ),
    )?;
    let cards = key(&schema, "cards");
    let page = found(&store, &schema, cards, &Search::new().sample(9)).await?;
    let shown: Vec<_> = page.sample.iter().map(|orphan| orphan.key.values().join(" ")).collect();
    ensure!(
        page.rows == 5 && page.partly_null == 2 && shown == ["4", "5", "6", "7", "8"],
        "{page:?} {shown:?}"
    );
    if db.backend == Backend::Postgres {
        // A constraint of its own finds the same: it can be added after the repair and not before.
        let add = "ALTER TABLE cards ADD CONSTRAINT full_key FOREIGN KEY (tenant_id, member_id) REFERENCES members (tenant_id, id) MATCH FULL";
        ensure!(execute(&store, add).await.is_err());
        ensure!(apply(&store, &schema, cards, &Repair::SetNull).await?.changed == 5);
        execute(&store, add).await?;
    } else {
        ensure!(apply(&store, &schema, cards, &Repair::Delete).await?.changed == 5);
    }
    ensure!(rows(&store, &schema, cards).await? == 0);
    Ok(())
}

async fn what_cannot_be_checked(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    execute(
        &store,
        "CREATE TABLE named (name VARCHAR(9) NOT NULL PRIMARY KEY, user_id BIGINT)",
    )
    .await?;
    let key_to = |references: &str| {
        format!(
            "table named\n  name: varchar(9), not null\n  user_id: bigint\n  primary key (name)\n  foreign key {references}\n\n\
             table users\n  id: bigint, not null\n  primary key (id)\n"
        )
    };
    let mut shown = Vec::new();
    for references in [
        "(user_id) references nobody (id)",
        "(user) references users (id)",
        "(user_id) references users (uid)",
        "(name) references users (id)",
        // The schema does not know the table, so the database is asked.
        "(user_id) references posts (nothing)",
        "(user_id) references posts (user_id), match partial",
    ] {
        let schema = schema(&db, &key_to(references))?;
        let text = match orphans::find(store.connection(), &schema, key(&schema, "named"), &Search::new()).await? {
            Finding::Unchecked { reason, .. } => reason.to_string(),
            Finding::Checked(orphans) => format!("{} row(s)", orphans.rows),
        };
        shown.push(text);
        let repaired = apply(&store, &schema, key(&schema, "named"), &Repair::Delete).await;
        ensure!(
            repaired.is_err() != shown.last().unwrap().ends_with("row(s)"),
            "{shown:#?}"
        );
    }
    let (comparison, column) = match db.backend {
        Backend::Postgres => (
            "named.name is varchar(9) and users.id is bigint, which cannot be compared: give both one type",
            "the database refused: column p.nothing does not exist (42703)",
        ),
        Backend::MySql => (
            "named.name is varchar(9) and users.id is bigint, which cannot be compared: give both one type",
            "the database refused: Unknown column 'p.nothing' in 'WHERE' (1054)",
        ),
        Backend::Sqlite => ("0 row(s)", "the database refused: no such column: p.nothing (1)"),
    };
    ensure!(
        shown
            == [
                "there is no table nobody: create it, or remove the foreign key",
                "named has no column user: add it, or remove the foreign key",
                "users has no column uid: add it, or remove the foreign key",
                comparison,
                column,
                "no engine has MATCH PARTIAL: declare MATCH SIMPLE or MATCH FULL",
            ],
        "{shown:#?}"
    );
    // A schema that does not tell types leaves them to the database: PostgreSQL refuses, and that is the reason.
    if db.backend == Backend::Postgres {
        let schema = schema(
            &db,
            "table named\n  name: varchar(9), not null\n  foreign key (name) references users (id)\n",
        )?;
        let reason = reason(&store, &schema, key(&schema, "named")).await?.to_string();
        ensure!(
            reason.starts_with("the database refused: operator does not exist: bigint = character varying"),
            "{reason}"
        );
    }
    Ok(())
}

async fn looking_does_not_doom_a_transaction(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(
        &db,
        &TABLES
            .replace("references users (id)", "references nobody (id)")
            .replace("table users", "table people"),
    )?;
    store
        .transaction(async |tx| {
            execute(&tx, "INSERT INTO users VALUES (3)").await?;
            let reason = reason(&tx, &schema, key(&schema, "posts")).await?;
            ensure!(reason == Reason::TableMissing { table: "nobody".into() }, "{reason}");
            Ok(())
        })
        .await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM users").await? == 3);
    Ok(())
}

async fn a_role_without_permission(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(&db, TABLES)?;
    let role = format!("orphans_{}", std::process::id());
    execute(&store, &format!("CREATE ROLE {role}")).await?;
    execute(&store, &format!("GRANT SELECT ON posts TO {role}")).await?;
    execute(&store, &format!("SET ROLE {role}")).await?;
    let reason = reason(&store, &schema, key(&schema, "posts")).await;
    let repaired = apply(&store, &schema, key(&schema, "posts"), &Repair::Delete).await;
    execute(&store, "RESET ROLE").await?;
    execute(&store, &format!("DROP OWNED BY {role}")).await?;
    execute(&store, &format!("DROP ROLE {role}")).await?;
    ensure!(reason? == Reason::NotPermitted);
    ensure!(
        repaired.unwrap_err().to_string()
            == "the role may not repair posts.user_id: grant it SELECT, UPDATE and DELETE on posts, and SELECT and UPDATE on users"
    );
    Ok(())
}

async fn odd_names_and_a_schema(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    let quote = match db.backend {
        Backend::MySql => "`",
        Backend::Postgres | Backend::Sqlite => "\"",
    };
    // Names that are words of SQL, aliases of ours, or hold the quotes.
    let doubled = format!("{quote}a{quote}{quote}b c{quote}");
    let sql = |text: &str| text.replace('~', quote).replace("ODD", &doubled);
    for statement in [
        "CREATE TABLE ~p~ (ODD BIGINT NOT NULL PRIMARY KEY)",
        "CREATE TABLE ~c~ (~order~ BIGINT NOT NULL PRIMARY KEY, ODD BIGINT)",
        "INSERT INTO ~p~ VALUES (1)",
        "INSERT INTO ~c~ VALUES (1, 1), (2, 2), (3, 3), (4, NULL)",
    ] {
        execute(&store, &sql(statement)).await?;
    }
    let name = match db.backend {
        Backend::MySql => "\"a`b c\"",
        Backend::Postgres | Backend::Sqlite => "\"a\"\"b c\"",
    };
    let odd = schema(
        &db,
        &format!(
            "table c\n  order: bigint, not null\n  {name}: bigint\n  primary key (order)\n  foreign key ({name}) references p ({name})\n\n\
             table p\n  {name}: bigint, not null\n  primary key ({name})\n"
        ),
    )?;
    let page = found(&store, &odd, key(&odd, "c"), &Search::new().sample(1)).await?;
    ensure!(
        page.rows == 2 && page.sample[0].key.to_string() == "order = 2",
        "{page:?}"
    );
    let page = found(
        &store,
        &odd,
        key(&odd, "c"),
        &Search::new().sample(1).after(page.next.unwrap()),
    )
    .await?;
    ensure!(page.sample[0].key.to_string() == "order = 3");
    ensure!(apply(&store, &odd, key(&odd, "c"), &Repair::SetNull).await?.changed == 2);
    ensure!(rows(&store, &odd, key(&odd, "c")).await? == 0);

    if db.backend == Backend::Postgres {
        for statement in [
            "CREATE SCHEMA billing",
            "CREATE TABLE billing.invoices (id BIGINT PRIMARY KEY, user_id BIGINT)",
            "CREATE TABLE invoices (id BIGINT PRIMARY KEY)",
            "INSERT INTO billing.invoices VALUES (1, 1), (2, 2)",
            "CREATE TABLE users (id BIGINT PRIMARY KEY)",
            "CREATE TABLE heirs () INHERITS (users)",
            "INSERT INTO users VALUES (1)",
            // A constraint does not see the rows of a table that inherits.
            "INSERT INTO heirs VALUES (2)",
        ] {
            execute(&store, statement).await?;
        }
        let two = schema(
            &db,
            "table heirs\n  id: bigint, not null\n  with inherits users\n\ntable users\n  id: bigint, not null\n  primary key (id)\n\n\
             table billing.invoices\n  id: bigint, not null\n  user_id: bigint\n  primary key (id)\n  \
             foreign key (user_id) references users (id)\n",
        )?;
        let invoices = key(&two, "invoices");
        ensure!(rows(&store, &two, invoices).await? == 1);
        let add = "ALTER TABLE billing.invoices ADD FOREIGN KEY (user_id) REFERENCES users (id)";
        ensure!(execute(&store, add).await.is_err());
        ensure!(apply(&store, &two, invoices, &Repair::Delete).await?.changed == 1);
        execute(&store, add).await?;
        ensure!(number(&store, "SELECT COUNT(*) FROM billing.invoices").await? == 1);
    }
    Ok(())
}

async fn as_sqlite_compares(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = lone(&db).await?;
    enforcement(&store, false).await?;
    for statement in [
        "CREATE TABLE tags (name TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER UNIQUE, twice INTEGER)",
        "INSERT INTO tags VALUES ('Red', 1, 5), ('blue', 2, 5)",
        "CREATE TABLE uses (id INTEGER PRIMARY KEY, tag TEXT REFERENCES tags (name))",
        "INSERT INTO uses VALUES (1, 'red'), (2, 'RED'), (3, 'Blue'), (4, 'green'), (5, NULL), (6, 'red ')",
        "CREATE TABLE numbers (id INTEGER PRIMARY KEY, n TEXT REFERENCES tags (n))",
        "INSERT INTO numbers VALUES (1, '1'), (2, '2'), (3, '3'), (4, 'x'), (5, '1.0')",
        // Not unique: foreign_key_check refuses such a key, and so would an insert.
        "CREATE TABLE loose (id INTEGER PRIMARY KEY, t INTEGER REFERENCES tags (twice))",
        "INSERT INTO loose VALUES (1, 5), (2, 6), (3, NULL)",
    ] {
        execute(&store, statement).await?;
    }
    let schema = schema(
        &db,
        "table loose\n  id: integer\n  t: integer\n  primary key (id)\n  foreign key (t) references tags (twice)\n\n\
         table numbers\n  id: integer\n  n: text\n  primary key (id)\n  foreign key (n) references tags (n)\n\n\
         table tags\n  name: text, collate NOCASE\n  n: integer\n  twice: integer\n  primary key (name)\n  unique (n)\n\n\
         table uses\n  id: integer\n  tag: text\n  primary key (id)\n  foreign key (tag) references tags (name)\n",
    )?;
    for table in ["uses", "numbers"] {
        let own = texts(
            &store,
            &format!("SELECT CAST(rowid AS TEXT) FROM pragma_foreign_key_check('{table}') ORDER BY rowid"),
        )
        .await?;
        let page = found(&store, &schema, key(&schema, table), &Search::new().sample(9)).await?;
        let shown: Vec<_> = page.sample.iter().map(|orphan| orphan.key.values().join("")).collect();
        ensure!(shown == own && page.rows == 2, "{table}: {shown:?} {own:?}");
    }
    ensure!(
        texts(
            &store,
            "SELECT CAST(rowid AS TEXT) FROM pragma_foreign_key_check('loose')"
        )
        .await
        .is_err()
    );
    let loose = key(&schema, "loose");
    ensure!(rows(&store, &schema, loose).await? == 1);
    ensure!(apply(&store, &schema, loose, &Repair::SetNull).await?.changed == 1);
    ensure!(rows(&store, &schema, loose).await? == 0);
    Ok(())
}

/// A pseudo-random sequence: the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn maybe(&mut self, limit: u64) -> Option<u64> {
        (self.below(4) > 0).then(|| self.below(limit))
    }
}

async fn random_data(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(&db, TABLES)?;
    let cards = key(&schema, "cards");
    let mut numbers = Numbers(17);
    let text = |value: Option<u64>| value.map_or_else(|| "NULL".to_owned(), |value| value.to_string());
    for round in 0..12 {
        let mut members = std::collections::BTreeSet::new();
        for _ in 0..numbers.below(12) {
            members.insert((numbers.below(4), numbers.below(4)));
        }
        let made: Vec<_> = (0..40_u64).map(|id| (id, numbers.maybe(5), numbers.maybe(5))).collect();
        // The definition, row by row.
        let expected: Vec<_> = made
            .iter()
            .filter(|(_, tenant, member)| tenant.zip(*member).is_some_and(|pair| !members.contains(&pair)))
            .map(|(id, ..)| id.to_string())
            .collect();
        let mut statements = vec!["DELETE FROM cards".to_owned(), "DELETE FROM members".to_owned()];
        statements.extend(
            members
                .iter()
                .map(|(a, b)| format!("INSERT INTO members VALUES ({a}, {b})")),
        );
        let rows_of: Vec<_> = made
            .iter()
            .map(|(id, a, b)| format!("({id}, {}, {})", text(*a), text(*b)))
            .collect();
        statements.push(format!("INSERT INTO cards VALUES {}", rows_of.join(", ")));
        unenforced(&store, &statements.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        let page = found(&store, &schema, cards, &Search::new().sample(100)).await?;
        let shown: Vec<_> = page.sample.iter().map(|orphan| orphan.key.values().join("")).collect();
        ensure!(
            shown == expected && page.rows == u64::try_from(expected.len())?,
            "round {round}"
        );
        let repair = match (round % 3, members.first()) {
            (1, _) => Repair::SetNull,
            (2, Some((a, b))) => Repair::Reown(vec![(*a).to_string().into(), (*b).to_string().into()]),
            _ => Repair::Delete,
        };
        let report = apply(&store, &schema, cards, &repair).await?;
        ensure!(
            report.changed == page.rows && report.remaining == 0,
            "round {round}: {report}"
        );
        ensure!(rows(&store, &schema, cards).await? == 0 && dangling_cards(&store).await? == [0, 0]);
        let left = if repair == Repair::Delete {
            40 - expected.len()
        } else {
            40
        };
        ensure!(number(&store, "SELECT COUNT(*) FROM cards").await? == i64::try_from(left)?);
    }
    Ok(())
}

async fn values_stay_inside(db: Db) -> Result<()> {
    const SECRET: &str = "s3cr3t-value";
    let log = Log::new();
    let url = db.url.clone();
    let names = schema(
        &db,
        "table names\n  name: varchar(20), not null\n  primary key (name)\n\ntable uses\n  id: varchar(20), not null\n  name: varchar(20)\n  \
         primary key (id)\n  foreign key (name) references names (name)\n",
    )?;
    let shown: Vec<String> = log
        .capture(async move {
            let store = Store::connect_with(&url, entity::entities(), StoreOptions::new().max_connections(1)).await?;
            // Written as bytes, so that the log's own record of these statements does not hold the word.
            let secret = |extra: &str| {
                let hex: String = SECRET
                    .bytes()
                    .chain(extra.bytes())
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                match store.backend() {
                    Backend::Postgres => format!("convert_from('\\x{hex}', 'UTF8')"),
                    Backend::MySql => format!("CAST(x'{hex}' AS CHAR CHARACTER SET utf8mb4)"),
                    Backend::Sqlite => format!("CAST(x'{hex}' AS TEXT)"),
                }
            };
            execute(&store, "CREATE TABLE names (name VARCHAR(20) NOT NULL PRIMARY KEY)").await?;
            execute(
                &store,
                "CREATE TABLE uses (id VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(20))",
            )
            .await?;
            execute(&store, &format!("INSERT INTO names VALUES ({})", secret("0"))).await?;
            execute(
                &store,
                &format!(
                    "INSERT INTO uses VALUES ({}, {}), ({}, {})",
                    secret("1"),
                    secret("1"),
                    secret("2"),
                    secret("2")
                ),
            )
            .await?;
            let uses = key(&names, "uses");
            let page = found(&store, &names, uses, &Search::new().sample(1)).await?;
            ensure!(page.sample[0].key.values()[0].starts_with(SECRET));
            let search = Search::new().sample(1).after(page.next.clone().unwrap());
            let second = found(&store, &names, uses, &search).await?;
            let repair = Repair::Reown(vec![format!("{SECRET}0").into()]);
            let mut shown = vec![format!("{page:?} {search:?} {second:?} {repair:?}")];
            let report = apply(&store, &names, uses, &repair).await?;
            ensure!(report.changed == 2);
            shown.push(format!("{report:?} {report}"));
            let error = apply(&store, &names, uses, &Repair::Reown(vec![SECRET.into()]))
                .await
                .unwrap_err();
            shown.push(format!("{error:?} {error}"));
            Ok(shown)
        })
        .await?;
    for text in shown.iter().chain(log.entries().iter().map(|entry| &entry.text)) {
        ensure!(!text.contains(SECRET), "{text}");
    }
    Ok(())
}
