//! A firing and a silent schema for each rule that a schema alone decides.

use super::check;

/// Nothing to complain about.
pub(super) const POSTS: &str = "backend sqlite
table posts
  id: integer, not null
  user_id: integer, not null
  primary key (id)
  index (user_id), as by_user
  foreign key (user_id) references users (id), on delete cascade
table users
  id: integer, not null
  primary key (id)
";

/// [`POSTS`] on another engine.
fn on(backend: &str) -> String {
    POSTS.replace("backend sqlite", &format!("backend {backend}"))
}

/// [`POSTS`] on PostgreSQL, with one part replaced.
fn posts(from: &str, to: &str) -> String {
    let text = on("postgres");
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

const INDEX: &str = "  index (user_id), as by_user\n";
const KEY: &str = "  foreign key (user_id) references users (id), on delete cascade\n";

#[test]
fn l01_missing_index() {
    let expected = ["warning no index begins with posts.user_id, which references users.id"];
    let bare = posts(INDEX, "");
    check("L01", &bare, &expected, &posts("", ""));
    check(
        "L01",
        &bare,
        &expected,
        &posts("primary key (id)\n  index", "primary key (user_id, id)\n  index"),
    );
    // One that is invalid, partial, of another method or second in line does not serve …
    for index in [
        "index (user_id), invalid, as i",
        "index (user_id), where id > 7, as i",
        "index (user_id), using gin, as i",
        "index (id, user_id), as i",
        "index ((abs(user_id))), as i",
    ] {
        check("L01", &posts(INDEX, &format!("  {index}\n")), &expected, POSTS);
    }
    // … and these do: equality is all a key asks for, and NULL references nothing.
    for index in [
        "index (user_id, id), as i",
        "index (user_id), using hash, as i",
        "index (user_id), where (user_id IS NOT NULL), as i",
        "index (user_id), unique, as i",
    ] {
        check("L01", &bare, &expected, &posts(INDEX, &format!("  {index}\n")));
    }
    // InnoDB makes its own for a constraint, and none for a key that only the application knows.
    let mysql = bare.replace("postgres", "mysql");
    check(
        "L01",
        &mysql.replace("on delete cascade", "on delete cascade, by application"),
        &expected,
        &mysql,
    );
}

#[test]
fn l02_type_mismatch() {
    check(
        "L02",
        &posts("user_id: integer", "user_id: bigint"),
        &["error posts.user_id is bigint, and users.id, which it references, is integer"],
        &posts("user_id: integer", "user_id: int4"),
    );
    let mysql = on("mysql");
    check(
        "L02",
        &mysql.replace("user_id: integer", "user_id: int unsigned"),
        &["error posts.user_id is int unsigned, and users.id, which it references, is integer"],
        &mysql.replace("user_id: integer", "user_id: int(11)"),
    );
    check(
        "L02",
        &POSTS.replace("user_id: integer", "user_id: text"),
        &["error posts.user_id is text, and users.id, which it references, is integer"],
        &POSTS.replace("user_id: integer", "user_id: bigint"),
    );
    // A length limits and does not convert; blanks at the end of a char do.
    let text = |kind: &str| {
        on("postgres")
            .replace("user_id: integer", &format!("user_id: {kind}"))
            .replace("  id: integer", "  id: text")
    };
    check(
        "L02",
        &text("character(8)"),
        &["error posts.user_id is character(8), and users.id, which it references, is text"],
        &text("character varying(80)"),
    );
    // A domain is what it narrows.
    let domain = posts(
        "table posts",
        "type positive: domain integer CHECK (VALUE > 0)\ntable posts",
    );
    check(
        "L02",
        &domain
            .replace("domain integer", "domain bigint")
            .replace("user_id: integer", "user_id: positive"),
        &["error posts.user_id is positive, and users.id, which it references, is integer"],
        &domain.replace("user_id: integer", "user_id: positive"),
    );
}

#[test]
fn l04_unlinked_id() {
    let with = |column: &str| {
        posts(
            "  primary key (id)\n  index",
            &format!("{column}\n  primary key (id)\n  index"),
        )
    };
    check(
        "L04",
        &with("  user_id2: integer\n  editor_id: integer"),
        &["info posts.editor_id is called like a reference, and no relation or foreign key has it"],
        // A payment provider's identifier, and what different rows use for different tables.
        &with("  stripe_id: text\n  subject_id: integer\n  subject_type: text"),
    );
    check(
        "L04",
        &posts(KEY, ""),
        &["info posts.user_id is called like a reference (perhaps users), and no relation or foreign key has it"],
        POSTS,
    );
}

#[test]
fn l11_not_validated() {
    check(
        "L11",
        &posts("on delete cascade", "on delete cascade, not valid, as fk"),
        &["warning the foreign key of posts.user_id was never validated for the rows before it"],
        POSTS,
    );
    check(
        "L11",
        &posts("on delete cascade", "on delete cascade, not enforced, as fk"),
        &["warning the foreign key of posts.user_id is not enforced"],
        POSTS,
    );
    check(
        "L11",
        &posts(KEY, "  check (id > 0), not valid, as positive\n"),
        &["warning the check positive of posts was never validated for the rows before it"],
        &posts(KEY, "  check (id > 0), as positive\n"),
    );
}

#[test]
fn l12_invalid_index() {
    check(
        "L12",
        &posts(INDEX, "  index (user_id), invalid, as by_user\n"),
        &["error the index by_user of posts is invalid"],
        POSTS,
    );
}

const TENANTS: &str = "backend postgres
table orders
  id: bigint, not null
  tenant_id: bigint, not null
  user_id: bigint
  primary key (id)
  index (tenant_id, user_id), as by_user
  foreign key (tenant_id) references tenants (id)
  foreign key (tenant_id, user_id) references users (tenant_id, id)
table tenants
  id: bigint, not null
  primary key (id)
table users
  tenant_id: bigint, not null
  id: bigint, not null
  primary key (tenant_id, id)
  foreign key (tenant_id) references tenants (id)
";

#[test]
fn l13_overlapping_keys() {
    check(
        "L13",
        &posts(KEY, &format!("{KEY}{}", KEY.replace("cascade", "restrict, as again"))),
        &["warning posts.user_id references users.id twice, cascade and restrict (again)"],
        POSTS,
    );
    let orders = "orders.tenant_id references tenants.id and orders.(tenant_id, user_id) references users.(tenant_id, id): they share tenant_id";
    let harmless = format!("info {orders}");
    check("L13", TENANTS, &[&harmless], POSTS);
    let written = TENANTS.replace("users (tenant_id, id)", "users (tenant_id, id), on update cascade");
    check("L13", &written, &[&format!("warning {orders}")], POSTS);
    let elsewhere = format!("{KEY}{}", KEY.replace("users", "people"));
    check(
        "L13",
        &posts(KEY, &elsewhere),
        &["warning posts.user_id references people.id and posts.user_id references users.id: they share user_id"],
        POSTS,
    );
}

#[test]
fn l14_redundant_index() {
    let with = |index: &str| posts(INDEX, &format!("  index (user_id, id), as long\n  {index}\n"));
    check(
        "L14",
        &with("index (user_id), as short"),
        &["warning the index short of posts is not needed: long begins with the same columns"],
        &with("index (user_id), unique, as short"),
    );
    check(
        "L14",
        &with("index (user_id, id), as twin"),
        &["warning the index twin of posts is not needed: long begins with the same columns"],
        &with("index (user_id DESC), as other"),
    );
    check(
        "L14",
        &with("index (id), as by_id"),
        &["warning the index by_id of posts is not needed: the primary key begins with the same columns"],
        &with("index (id), where user_id > 7, as by_id"),
    );
    // A partial or invalid index is no substitute, and an index of another kind does not begin with anything.
    for long in ["where id > 7, as long", "invalid, as long", "using gin, as long"] {
        check(
            "L14",
            &with("index (user_id), as short"),
            &["warning the index short of posts is not needed: long begins with the same columns"],
            &with("index (user_id), as short").replace("as long", long),
        );
    }
    check(
        "L14",
        &with("unique (user_id), as one\n  unique (user_id), as two"),
        &["warning the unique key two of posts is not needed: one begins with the same columns"],
        &with("unique (user_id), as one\n  unique (user_id), nulls not distinct, as two"),
    );
    check(
        "L14",
        &with("index (user_id), include (id), as carries"),
        &["warning the index carries of posts is not needed: long begins with the same columns"],
        &posts(
            INDEX,
            "  index (user_id), as long\n  index (user_id), include (id), as carries\n",
        )
        .replace("as long", "unique, as long"),
    );
}

#[test]
fn l15_set_null_not_null() {
    check(
        "L15",
        &posts("on delete cascade", "on delete set null, on update set null"),
        &[
            "error posts.user_id is ON DELETE SET NULL, and posts.user_id must not be NULL",
            "error posts.user_id is ON UPDATE SET NULL, and posts.user_id must not be NULL",
        ],
        &posts("on delete cascade", "on delete set null").replace("user_id: integer, not null", "user_id: integer"),
    );
    let composite = TENANTS.replace("users (tenant_id, id)", "users (tenant_id, id), on delete set null");
    check(
        "L15",
        &composite,
        &["error orders.(tenant_id, user_id) is ON DELETE SET NULL, and orders.tenant_id must not be NULL"],
        &composite.replace("set null", "set null (user_id)"),
    );
}

#[test]
fn l16_set_default() {
    let key = "  foreign key (user_id) references users (id), on delete set default\n";
    check(
        "L16",
        &posts(KEY, key),
        &["error posts.user_id is SET DEFAULT, and posts.user_id has no default, and must not be NULL"],
        &posts(KEY, key).replace("user_id: integer, not null", "user_id: integer, not null, default 1"),
    );
    let mysql = posts(KEY, key).replace("postgres", "mysql");
    check(
        "L16",
        &mysql.replace("not null", "not null, default 1"),
        &["error posts.user_id is SET DEFAULT, which InnoDB does not have"],
        &mysql
            .replace("not null", "not null, default 1")
            .replace("set default", "set default, by application"),
    );
}

#[test]
fn l17_nullable_cascade() {
    check(
        "L17",
        &posts("user_id: integer, not null", "user_id: integer"),
        &["info posts.user_id is ON DELETE CASCADE, and user_id may be NULL"],
        POSTS,
    );
    // The root of a tree has no parent.
    let tree = "backend sqlite\ntable folders\n  id: integer, not null\n  parent_id: integer\n  primary key (id)\n  \
                foreign key (parent_id) references folders (id), on delete cascade\n";
    check(
        "L17",
        &posts("user_id: integer, not null", "user_id: integer"),
        &["info posts.user_id is ON DELETE CASCADE, and user_id may be NULL"],
        tree,
    );
}

/// Tables with a key each to the next, and the last to the first if `circle`.
fn chain(backend: &str, tables: usize, action: &str) -> String {
    let mut text = format!("backend {backend}\n");
    for number in 0..tables {
        text.push_str(&format!("table t{number:02}\n  id: bigint, not null\n  up: bigint, not null\n  primary key (id)\n  index (up), as i{number}\n"));
        if number > 0 {
            text.push_str(&format!(
                "  foreign key (up) references t{:02} (id), on delete {action}\n",
                number - 1
            ));
        }
    }
    text
}

fn circle(backend: &str, tables: usize, action: &str) -> String {
    let last = tables - 1;
    let first = format!("  index (up), as i0\n  foreign key (up) references t{last:02} (id), on delete {action}\n");
    chain(backend, tables, action).replace("  index (up), as i0\n", &first)
}

#[test]
fn l19_cascade_cycle() {
    check(
        "L19",
        &circle("sqlite", 3, "cascade"),
        &["warning deletes go around in a circle: t00 -> t02 -> t01 -> t00"],
        &circle("sqlite", 3, "restrict"),
    );
    // A table that also references itself is no way around by itself.
    let with_itself = circle("sqlite", 2, "cascade").replace(
        "  index (up), as i0\n",
        "  index (up), as i0\n  foreign key (id) references t00 (id), on delete cascade\n",
    );
    check(
        "L19",
        &with_itself,
        &["warning deletes go around in a circle: t00 -> t01 -> t00"],
        &chain("sqlite", 3, "cascade"),
    );
}

#[test]
fn l20_cascade_depth() {
    let way: Vec<_> = (0..16).map(|number| format!("t{number:02}")).collect();
    let expected = format!(
        "error a delete from t00 cascades 15 levels, and InnoDB goes 14 deep: {}",
        way.join(" -> ")
    );
    check(
        "L20",
        &chain("mysql", 16, "cascade"),
        &[&expected],
        &chain("mysql", 15, "cascade"),
    );
    check(
        "L20",
        &chain("mysql", 16, "cascade"),
        &[&expected],
        &chain("postgres", 16, "cascade"),
    );
    check(
        "L20",
        &chain("mysql", 16, "cascade"),
        &[&expected],
        &chain("mysql", 16, "cascade, by application"),
    );
    // SET NULL is a level, and the last one; RESTRICT is none.
    let ending = |action: &str| {
        let last = "references t14 (id), on delete cascade";
        chain("mysql", 16, "cascade").replace(last, &last.replace("cascade", action))
    };
    check("L20", &ending("set null"), &[&expected], &ending("restrict"));
    // Only the topmost table is told, and of a tree that it may be deep.
    assert_eq!(
        super::of("L20", &super::findings(&chain("mysql", 20, "cascade"))).len(),
        1
    );
    let tree = "table folders\n  id: bigint, not null\n  parent_id: bigint\n  primary key (id)\n  \
                foreign key (parent_id) references folders (id), on delete cascade\n";
    check(
        "L20",
        &format!("backend mysql\n{tree}"),
        &["warning folders.parent_id cascades to its own table, and InnoDB goes 14 levels deep"],
        &format!("backend postgres\n{tree}"),
    );
}

const DIAMOND: &str = "backend postgres
table bottom
  id: bigint, not null
  left_ref: bigint, not null
  right_ref: bigint, not null
  primary key (id)
  foreign key (left_ref) references lefts (id), on delete restrict
  foreign key (right_ref) references rights (id), on delete cascade
table lefts
  id: bigint, not null
  top: bigint, not null
  primary key (id)
  foreign key (top) references tops (id), on delete cascade
table rights
  id: bigint, not null
  top: bigint, not null
  primary key (id)
  foreign key (top) references tops (id), on delete cascade
table tops
  id: bigint, not null
  primary key (id)
";

#[test]
fn l21_mixed_diamond() {
    check(
        "L21",
        DIAMOND,
        &[
            "warning a delete from tops cascades to bottom and is forbidden by bottom.left_ref, which references lefts.id: \
           whether it passes depends on the length of the paths and the order in which the keys were created",
        ],
        &DIAMOND.replace("on delete restrict", "on delete cascade"),
    );
    // Without a path that cascades, RESTRICT forbids and nothing else; a deferred key sees the end.
    let both = DIAMOND.replace("rights (id), on delete cascade", "rights (id), on delete restrict");
    check(
        "L21",
        &DIAMOND.replace("postgres", "sqlite"),
        &[
            "warning a delete from tops cascades to bottom and is forbidden by bottom.left_ref, which references lefts.id: whether it passes depends on the paths and their order",
        ],
        &both,
    );
    check(
        "L21",
        &DIAMOND.replace("postgres", "mysql"),
        &[
            "warning a delete from tops cascades to bottom and is forbidden by bottom.left_ref, which references lefts.id: whether it passes depends on the order in which InnoDB takes the keys",
        ],
        &DIAMOND.replace(", on delete restrict", ", deferrable initially deferred"),
    );
    check(
        "L21",
        &DIAMOND
            .replace("postgres", "sqlite")
            .replace(", on delete restrict", ""),
        &[
            "info a delete from tops cascades to bottom and is forbidden by bottom.left_ref, which references lefts.id: \
           SQLite lets it pass, and other engines may not",
        ],
        &DIAMOND.replace("on delete restrict", "on delete set null"),
    );
    // Rows of one table that go together: PostgreSQL sees that, InnoDB does not.
    let itself = DIAMOND.replace("(left_ref) references lefts", "(left_ref) references bottom");
    check(
        "L21",
        &itself.replace("postgres", "mysql"),
        &[
            "warning a delete from rights cascades to bottom and is forbidden by bottom.left_ref, which references bottom.id: InnoDB refuses it",
        ],
        &itself,
    );
    // A triangle is a diamond too.
    let triangle = posts(KEY, &format!("{KEY}  foreign key (id) references tops (id)\n")).replace(
        "table users\n  id: integer, not null\n  primary key (id)\n",
        "table tops\n  id: integer, not null\n  primary key (id)\ntable users\n  id: integer, not null\n  primary key (id)\n  \
         foreign key (id) references tops (id), on delete cascade\n",
    );
    check(
        "L21",
        &triangle,
        &[
            "warning a delete from tops cascades to posts and is forbidden by posts.id, which references tops.id: \
           whether it passes depends on the length of the paths and the order in which the keys were created",
        ],
        POSTS,
    );
}

#[test]
fn l22_required_cycle() {
    let deferred = circle("postgres", 2, "restrict, deferrable initially deferred");
    check(
        "L22",
        &circle("postgres", 2, "restrict"),
        &["warning required references go around in a circle: t00 -> t01 -> t00"],
        &deferred,
    );
    let tree = "backend mysql\ntable folders\n  id: bigint, not null\n  parent_id: bigint, not null\n  primary key (id)\n  \
                foreign key (parent_id) references folders (id)\n";
    check(
        "L22",
        tree,
        &["warning folders.parent_id must reference a row of its own table: the first can only reference itself"],
        &tree.replace("parent_id: bigint, not null", "parent_id: bigint"),
    );
    let nullable = circle("postgres", 2, "restrict").replace("up: bigint, not null", "up: bigint");
    check(
        "L22",
        tree,
        &["warning folders.parent_id must reference a row of its own table: the first can only reference itself"],
        &nullable,
    );
}

#[test]
fn l23_referenced_not_unique() {
    let bare = POSTS.replace(
        "table users\n  id: integer, not null\n  primary key (id)\n",
        "table users\n  id: integer, not null\n",
    );
    let expected = ["error posts.user_id references users.id, which no primary key, unique key or unique index has"];
    for unique in ["unique (id)", "index (id), unique, as u"] {
        check("L23", &bare, &expected, &format!("{bare}  {unique}\n"));
    }
    for not_unique in [
        "index (id), as u",
        "index (id), unique, where id > 7, as u",
        "primary key (id, name)",
    ] {
        check("L23", &format!("{bare}  {not_unique}\n"), &expected, POSTS);
    }
    // A key that names no columns of a table without a primary key.
    check(
        "L23",
        &bare.replace("users (id)", "users (rowid)"),
        &["error posts.user_id references users.rowid, which no primary key, unique key or unique index has"],
        POSTS,
    );
}

#[test]
fn l24_referenced_missing() {
    check(
        "L24",
        &POSTS.replace("references users", "references people"),
        &["error posts.user_id references people, and there is no such table"],
        POSTS,
    );
    check(
        "L24",
        &POSTS.replace("references users (id)", "references users (number)"),
        &["error posts.user_id references users.number, and there is no such column"],
        // A schema that was not read, and a table that is left out.
        &posts("references users", "references billing.users"),
    );
    check(
        "L24",
        &POSTS.replace("references users", "references people"),
        &["error posts.user_id references people, and there is no such table"],
        &format!(
            "{}left out: partition, people, of users\n",
            posts("references users", "references people")
        ),
    );
}

#[test]
fn l28_name_limit() {
    let long = "x".repeat(63);
    check(
        "L28",
        &posts("as by_user", &format!("as {long}y")),
        &[&format!(
            "warning the index {long}y of posts has 64 bytes, and PostgreSQL cuts it after 63"
        )],
        &posts("as by_user", &format!("as {long}")),
    );
    // Bytes on PostgreSQL, characters on MySQL.
    let wide = "ü".repeat(40);
    check(
        "L28",
        &posts("as by_user", &format!("as {wide}")),
        &[&format!(
            "warning the index {wide} of posts has 80 bytes, and PostgreSQL cuts it after 63"
        )],
        &on("mysql").replace("as by_user", &format!("as {wide}")),
    );
    check(
        "L28",
        &on("mysql").replace("as by_user", &format!("as {long}yz")),
        &[&format!(
            "warning the index {long}yz of posts has 65 characters, and MySQL refuses more than 64"
        )],
        &POSTS.replace("as by_user", &format!("as {long}yz")),
    );
    // Two that are one to the engine.
    let two = posts(
        INDEX,
        &format!("  index (user_id), as {long}1\n  index (user_id, id), as {long}2\n"),
    );
    let found = super::of("L28", &super::findings(&two));
    assert!(
        found.contains(&format!(
            "warning the index {long}1 of posts and the index {long}2 of posts have the same name to postgres: {long}"
        )),
        "{found:#?}"
    );
    let same = POSTS.replace("primary key (id)\n", "primary key (id)\n  index (id), as By_User\n");
    check(
        "L28",
        &format!("{POSTS}  index (id), as By_User\n"),
        &["warning the index by_user of posts and the index By_User of users have the same name to sqlite: by_user"],
        // MySQL's indexes have names of their own in each table.
        &format!("{}  index (id), as By_User\n", on("mysql")),
    );
    assert_eq!(super::of("L28", &super::findings(&same)).len(), 2);
}

#[test]
fn l29_collation_mismatch() {
    let text = POSTS.replace("integer", "text");
    check(
        "L29",
        &text.replace("user_id: text, not null", "user_id: text, not null, collate NOCASE"),
        &["warning posts.user_id has the collation NOCASE, and users.id, which it references, the default one"],
        &text,
    );
    check(
        "L29",
        &text.replace("user_id: text, not null", "user_id: text, collate NOCASE"),
        &["warning posts.user_id has the collation NOCASE, and users.id, which it references, the default one"],
        &POSTS.replace(
            "user_id: integer, not null",
            "user_id: integer, not null, collate NOCASE",
        ),
    );
}

#[test]
fn l42_engine_without_keys() {
    let with = |name: &str| {
        format!(
            "{}table notes\n  id: integer, not null\n  primary key (id)\n  with engine {name}\n",
            on("mysql")
        )
    };
    check(
        "L42",
        &with("MyISAM"),
        &["warning notes is stored by MyISAM, which has no foreign keys"],
        &with("ndbcluster"),
    );
    check(
        "L42",
        &format!("{}  with engine Aria\n", on("mysql")),
        &["error users is stored by Aria, which has no foreign keys"],
        &on("mysql"),
    );
}

#[test]
fn l43_shared_column_nulled() {
    let nullable = TENANTS
        .replace("tenant_id: bigint, not null\n  user_id", "tenant_id: bigint\n  user_id")
        .replace("users (tenant_id, id)\n", "users (tenant_id, id), on delete set null\n");
    check(
        "L43",
        &nullable,
        &[
            "warning orders.(tenant_id, user_id) is ON DELETE SET NULL and nulls orders.tenant_id too, which another key uses",
        ],
        &nullable.replace("set null", "set null (user_id)"),
    );
    // If it must not be NULL, that is L15's.
    check(
        "L43",
        &nullable,
        &[
            "warning orders.(tenant_id, user_id) is ON DELETE SET NULL and nulls orders.tenant_id too, which another key uses",
        ],
        &nullable.replace("tenant_id: bigint\n", "tenant_id: bigint, not null\n"),
    );
}

#[test]
fn l45_no_primary_key() {
    let notes = "backend sqlite\ntable notes\n  id: integer\n";
    check(
        "L45",
        notes,
        &["warning notes has no primary key"],
        &format!("{notes}  primary key (id)\n"),
    );
}
