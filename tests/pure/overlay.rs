//! The overlay file: what it does to a schema, and what it says of a mistake.

use sea_orm_cascade::overlay::{Ignore, Overlay, Severity};
use sea_orm_cascade::schema::{Enforcement, Schema};

const SCHEMA: &str = "\
backend postgres

table billing.invoices
  id: bigint, not null
  user_id: bigint
  primary key (id)

table links
  from_id: bigint, not null
  to_id: bigint, not null

table members
  tenant_id: bigint, not null
  id: bigint, not null
  boss_id: bigint
  primary key (tenant_id, id)
  foreign key (tenant_id, boss_id) references members (tenant_id, id), as members_boss

table posts
  id: bigint, not null
  user_id: bigint, not null
  primary key (id)
  foreign key (user_id) references users (id), on delete restrict, as fk-posts-user_id

table users
  id: bigint, not null
  email: text, not null
  primary key (id)
";

fn schema() -> Schema {
    Schema::parse(SCHEMA).expect("it is well formed")
}

fn applied(overlay: &str) -> Result<Schema, String> {
    let mut schema = schema();
    Overlay::parse(overlay)
        .and_then(|overlay| overlay.apply(&mut schema))
        .map(|()| schema)
        .map_err(|error| error.to_string())
}

/// The schema's keys after a file was applied, each behind its table's name.
fn keys(overlay: &str) -> Vec<String> {
    let schema = applied(overlay).expect("there is nothing wrong with it");
    schema
        .foreign_keys()
        .map(|key| format!("{}: {key}", key.relation.table))
        .collect()
}

fn error(overlay: &str) -> String {
    let error = applied(overlay).expect_err("something is wrong with it");
    // Whatever was wrong, the schema is as it was.
    let mut untouched = schema();
    if let Ok(overlay) = Overlay::parse(overlay) {
        overlay.apply(&mut untouched).expect_err("it still is");
    }
    assert_eq!(untouched, schema());
    error
}

#[test]
fn keys_are_added_and_overridden() {
    let found = keys(
        r#"
[[foreign_key]]
table = "billing.invoices"
columns = ["user_id"]
references = { table = "users", columns = ["id"] }
on_delete = "set_null"
enforced_by = "loose"
name = "invoices_user"

[[foreign_key]]
table = "links"
columns = ["from_id"]
references = { table = "posts" }

[[foreign_key]]
table = "posts"
columns = ["user_id"]
references = { table = "users", columns = ["id"] }
on_delete = "protect"

[[foreign_key]]
table = "members"
columns = ["boss_id", "tenant_id"]
references = { table = "members", columns = ["id", "tenant_id"] }
on_delete = "set_null"
on_delete_columns = ["boss_id"]
enforced_by = "database"
"#,
    );
    assert_eq!(
        found,
        [
            "links: foreign key (from_id) references posts (id), by application",
            "members: foreign key (tenant_id, boss_id) references members (tenant_id, id), on delete set null (boss_id), as members_boss",
            "posts: foreign key (user_id) references users (id), on delete protect, by application, as fk-posts-user_id",
            "billing.invoices: foreign key (user_id) references users (id), on delete set null, by loose, as invoices_user",
        ]
    );
}

/// The one key of posts after this was written below its table, columns and references.
fn posts(more: &str) -> String {
    let overlay = format!(
        "[[foreign_key]]\ntable = \"posts\"\ncolumns = [\"user_id\"]\nreferences = {{ table = \"users\" }}\n{more}"
    );
    let mut found = keys(&overlay);
    found.retain(|key| key.starts_with("posts"));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn who_enforces_a_key_that_is_there() {
    let restricting = "posts: foreign key (user_id) references users (id), on delete restrict";
    assert_eq!(posts(""), format!("{restricting}, as fk-posts-user_id"));
    assert_eq!(
        posts("on_delete = \"restrict\""),
        format!("{restricting}, as fk-posts-user_id")
    );
    assert_eq!(
        posts("enforced_by = \"application\""),
        format!("{restricting}, by application, as fk-posts-user_id")
    );
    let cascading = "posts: foreign key (user_id) references users (id), on delete cascade";
    assert_eq!(
        posts("on_delete = \"cascade\""),
        format!("{cascading}, by application, as fk-posts-user_id")
    );
    assert_eq!(
        posts("on_delete = \"cascade\"\nenforced_by = \"database\""),
        format!("{cascading}, as fk-posts-user_id")
    );
    assert_eq!(
        posts("on_delete = \"cascade\"\nenforced_by = \"loose\"\nname = \"fk-posts-user_id\""),
        format!("{cascading}, by loose, as fk-posts-user_id")
    );
}

#[test]
fn applying_twice_is_applying_once() {
    let overlay = Overlay::parse(
        "[[foreign_key]]\ntable = \"links\"\ncolumns = [\"to_id\"]\nreferences = { table = \"posts\" }\non_delete = \"cascade\"\n",
    )
    .expect("there is nothing wrong with it");
    let mut once = schema();
    overlay.apply(&mut once).expect("it fits");
    let mut twice = once.clone();
    overlay.apply(&mut twice).expect("it still fits");
    assert_eq!(once, twice);
    let added = once.foreign_keys().find(|key| key.relation.table.name() == "links");
    assert_eq!(added.map(|key| key.enforced_by), Some(Enforcement::Application));
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(applied(""), Ok(schema()));
    let overlay = Overlay::parse("# nothing\n").expect("there is nothing wrong with it");
    assert_eq!(overlay, Overlay::default());
}

#[test]
fn lint_settings() {
    let overlay = Overlay::parse(
        r#"
[lint]
levels = { L01 = "error", L04 = "off" }

[[lint.ignore]]
rule = "L04"
table = "billing.invoices"
column = "user_id"
reason = "an id of another system"

[[lint.ignore]]
table = "links"
"#,
    )
    .expect("there is nothing wrong with it");
    let settings = overlay.lint();
    let levels: Vec<_> = settings
        .levels
        .iter()
        .map(|(code, level)| (code.as_str(), *level))
        .collect();
    assert_eq!(levels, [("L01", Severity::Error), ("L04", Severity::Off)]);
    let mut first = Ignore::default();
    first.rule = Some("L04".to_owned());
    first.table = Some(sea_orm_cascade::name::TableName::in_schema("billing", "invoices"));
    first.column = Some("user_id".into());
    first.reason = Some("an id of another system".to_owned());
    let mut second = Ignore::default();
    second.table = Some("links".into());
    assert_eq!(settings.ignores, [first, second]);
}

#[test]
fn what_is_to_be_ignored_must_be_there() {
    assert_eq!(
        applied("[[lint.ignore]]\ntable = \"posts\"\ncolumn = \"user_id\"\n"),
        Ok(schema())
    );
    assert_eq!(applied("[[lint.ignore]]\ncolumn = \"user_id\"\n"), Ok(schema()));
    assert_eq!(
        applied("[[lint.ignore]]\ntable = \"post\"\n"),
        Err("overlay, line 2: there is no table post, did you mean posts?".to_owned())
    );
    assert_eq!(
        applied("[[lint.ignore]]\ntable = \"posts\"\ncolumn = \"usr_id\"\n"),
        Err("overlay, line 3: posts has no column usr_id, did you mean user_id?".to_owned())
    );
    assert_eq!(
        applied("[[lint.ignore]]\nrule = \"L04\"\ncolumn = \"nowhere\"\n"),
        Err("overlay, line 3: no table has a column nowhere".to_owned())
    );
}

#[test]
fn what_cannot_be_read() {
    let key = |more: &str| {
        format!(
            "[[foreign_key]]\ntable = \"posts\"\ncolumns = [\"user_id\"]\nreferences = {{ table = \"users\" }}\n{more}"
        )
    };
    insta::assert_snapshot!(
        [
            error("[[foreign_key]\n"),
            error("[[foreign_key]]\ntable = \"posts\"\ntable = \"users\"\n"),
            error("[foreign_keys]\n"),
            error("[foreign_key]\ntable = \"posts\"\n"),
            error("foreign_key = [\"posts\"]\n"),
            error("[[foreign_key]]\n"),
            error("[[foreign_key]]\ntabel = \"posts\"\ncolumns = \"user_id\"\nreferences = \"users\"\n"),
            error("[[foreign_key]]\ntable = \"a.b.c\"\ncolumns = []\nreferences = { table = 5, column = \"id\" }\n"),
            error("[[foreign_key]]\ntable = \"\"\ncolumns = [\"a\", \"b\", \"a\"]\nreferences = {}\n"),
            error(
                "[[foreign_key]]\ntable = \"posts\"\ncolumns = [\"user_id\"]\nreferences = { table = \"users\", columns = [\"id\", \"email\"] }\n"
            ),
            error(&key("on_delete = \"set null\"\non_update = \"casacde\"\nenforced_by = \"db\"\ncascade = true\n")),
            error(&key("on_delete = \"explode\"\non_delete_columns = [\"id\"]\n")),
            error(&key("on_delete = \"cascade\"\non_delete_columns = [\"id\"]\n")),
            error("[lint]\nlevel = { L01 = \"error\" }\nlevels = { L01 = \"fatal\", L02 = 2 }\n"),
            error("[[lint.ignore]]\nrules = \"L01\"\n"),
            error("[[lint.ignore]]\nrule = \"L01\"\nreason = false\n"),
        ]
        .join("\n\n")
    );
}

#[test]
fn what_does_not_fit() {
    let key = |table: &str, columns: &str, references: &str, more: &str| {
        format!("[[foreign_key]]\ntable = '{table}'\ncolumns = {columns}\nreferences = {{ {references} }}\n{more}\n")
    };
    let posts = |more: &str| key("posts", "['user_id']", "table = 'users'", more);
    let links = |more: &str| key("links", "['to_id']", "table = 'posts'", more);
    insta::assert_snapshot!(
        [
            error(&key("post", "['user_id']", "table = 'public.users'", "")),
            error(&key("posts", "['userid']", "table = 'users', columns = ['uid']", "")),
            error(&key("posts", "['user_id']", "table = 'members'", "")),
            error(&key("posts", "['user_id']", "table = 'links'", "")),
            error(&posts("on_delete = 'protect'\nenforced_by = 'database'")),
            error(&posts("on_update = 'do_nothing'\nenforced_by = 'database'")),
            error(&posts("on_delete = 'restrict'\nenforced_by = 'loose'")),
            error(&posts("on_delete = 'protect'\nenforced_by = 'loose'")),
            error(&posts(
                "on_delete = 'cascade'\non_update = 'restrict'\nenforced_by = 'loose'"
            )),
            error(&posts("enforced_by = 'loose'")),
            error(&links("enforced_by = 'loose'")),
            error(&links("enforced_by = 'database'")),
            error(&posts("on_delete = 'set_null'")),
            error(&posts("on_update = 'set_null'")),
            error(&posts("name = 'posts_users'")),
            error(&posts("on_delete_columns = ['user_id']")),
            error(&key(
                "members",
                "['tenant_id', 'boss_id']",
                "table = 'members'",
                "on_delete = 'set_null'"
            )),
            error(&format!("{}{}", links(""), links("on_delete = 'cascade'"))),
            error(&format!(
                "{}{}",
                links(""),
                key("links", "['to_id']", "table = 'posts', columns = ['id']", "")
            )),
            error(&format!(
                "{}{}",
                key("posts", "['user']", "table = 'users'", ""),
                key("link", "['to_id']", "table = 'post'", "")
            )),
        ]
        .join("\n\n")
    );
}
