//! Every rule of the linter: a schema in which it fires, and one in which it does not.

mod cases;
mod migrations;
mod models;
mod reports;
mod sources;

use sea_orm_cascade::lint::{self, Declared, Facts, Finding, KeyUse, Orphans, RULES, Subject};
use sea_orm_cascade::overlay::LintSettings;
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities};

/// All findings about a schema.
fn findings(schema: &str) -> Vec<Finding> {
    let schema = Schema::parse(schema).expect("it is well formed");
    lint::lint(&Subject::new(&schema), &LintSettings::default())
}

fn of(code: &str, findings: &[Finding]) -> Vec<String> {
    let found = findings.iter().filter(|finding| finding.code == code);
    found
        .map(|finding| format!("{} {}", finding.severity, finding.message))
        .collect()
}

/// The rule's findings in the first schema are these, and in the second there are none.
fn check(code: &str, fires: &str, expected: &[&str], silent: &str) {
    assert_eq!(of(code, &findings(fires)), expected, "{code} in {fires}");
    let none: Vec<String> = Vec::new();
    assert_eq!(of(code, &findings(silent)), none, "{code} in {silent}");
}

/// The rule's findings if entities look at this database.
fn compared(code: &str, entities: &Entities, database: &Schema) -> Vec<String> {
    let declared = Declared::new(database.backend, entities).expect("their types are there");
    of(
        code,
        &lint::lint(&Subject::new(database).entities(&declared), &LintSettings::default()),
    )
}

/// The database of these entities, with some words replaced.
fn database(backend: Backend, entities: &Entities, replace: &[(&str, &str)]) -> Schema {
    let mut text = Schema::from_entities(backend, entities)
        .expect("their types are there")
        .to_string();
    for (from, to) in replace {
        assert!(text.contains(from), "{from} is not in\n{text}");
        text = text.replace(from, to);
    }
    Schema::parse(&text).expect("it is well formed")
}

#[test]
fn the_tutorial_is_clean() {
    for backend in [Backend::Postgres, Backend::MySql, Backend::Sqlite] {
        let schema = Schema::from_entities(backend, &entity::entities()).expect("its types are all there");
        let declared = Declared::new(backend, &entity::entities()).expect("its types are all there");
        let subject = Subject::new(&schema).entities(&declared);
        assert_eq!(lint::lint(&subject, &LintSettings::default()), [], "{backend}");
    }
}

#[test]
fn codes_and_names_are_distinct_and_in_order() {
    assert!(RULES.windows(2).all(|pair| pair[0].code < pair[1].code));
    let names: std::collections::BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn every_rule_is_in_the_guide() {
    let guide = include_str!("../../docs/lint.md");
    for rule in RULES {
        let severity = rule.severity.to_string();
        let row = guide
            .lines()
            .find(|line| line.starts_with(&format!("| {} ", rule.code)));
        let row = row.unwrap_or_else(|| panic!("{} is not in docs/lint.md", rule.code));
        assert!(row.contains(rule.name) && row.contains(&severity), "{row}");
    }
}

/// What only entities tell, on the tutorial's.
#[test]
fn entities_and_database() {
    let entities = entity::entities();
    let key = "  foreign key (user_id) references users (id), on delete cascade, as fk-posts-user_id\n";
    let posts = |replace: &[(&str, &str)]| database(Backend::Postgres, &entities, replace);
    let check = |code: &str, replace: &[(&str, &str)], expected: &[&str]| {
        assert_eq!(compared(code, &entities, &posts(replace)), expected, "{code}");
    };
    check(
        "L03",
        &[(key, "")],
        &["error the database has no foreign key for posts.user_id, which references users.id"],
    );
    // A key the overlay gives to the application is no constraint that is missing.
    check("L03", &[(", as fk-posts", ", by application, as fk-posts")], &[]);
    check(
        "L05",
        &[(
            "  primary key (id)\n  index",
            "  editor_id: bigint\n  primary key (id)\n  foreign key (editor_id) references users (id)\n  index",
        )],
        &["info no entity declares posts.editor_id, which references users.id"],
    );
    check(
        "L05",
        &[(
            "table users",
            "table logins\n  id: bigint\n  user_id: bigint\n  foreign key (user_id) references users (id), on delete cascade\n\ntable users",
        )],
        &["info logins has no entity, and logins.user_id, which references users.id (on delete cascade)"],
    );
    check(
        "L08",
        &[("  index (user_id)", "  unique (user_id)\n  index (user_id)")],
        &["warning users has_many posts, and posts.user_id is unique"],
    );
    check(
        "L09",
        &[("on delete cascade", "on delete restrict, on update cascade")],
        &[
            "error posts.user_id is on delete restrict in the database and cascade in the entity, \
           on update cascade in the database and no action in the entity",
        ],
    );
    check(
        "L09",
        &[("on delete cascade", "on delete restrict, by application")],
        &[],
    );
    check(
        "L10",
        &[("on delete cascade", "on delete cascade, deferrable initially deferred")],
        &["warning posts.user_id is DEFERRABLE INITIALLY DEFERRED in the database and NOT DEFERRABLE by the entity"],
    );
    check(
        "L18",
        &[("user_id: bigint, not null", "user_id: bigint")],
        &["error posts.user_id is required in the entity, and may be NULL in the database"],
    );
    for code in ["L03", "L04", "L05", "L06", "L07", "L08", "L09", "L10", "L18", "L46"] {
        check(code, &[], &[]);
    }
}

/// On InnoDB NO ACTION is RESTRICT, and so is nothing at all.
#[test]
fn actions_that_do_the_same() {
    let entities = models::entities();
    let key = "foreign key (country_id) references countries (id), on update cascade";
    for (backend, differs) in [(Backend::MySql, 0), (Backend::Postgres, 1), (Backend::Sqlite, 1)] {
        let database = database(
            backend,
            &entities,
            &[(key, &key.replace(", on", ", on delete restrict, on"))],
        );
        assert_eq!(compared("L09", &entities, &database).len(), differs, "{backend}");
    }
}

/// Sides that do not fit, on entities made for it.
#[test]
fn two_sides() {
    let entities = models::entities();
    let compared = |code: &str, replace: &[(&str, &str)]| {
        compared(code, &entities, &database(Backend::Postgres, &entities, replace))
    };
    assert_eq!(
        compared("L06", &[]),
        [
            "warning countries has_many cities by founded_by, and cities declares no belongs_to for it",
            "warning streets belongs to cities by city_id, and cities declares no has_many or has_one for it",
        ]
    );
    assert_eq!(
        compared("L07", &[]),
        ["error countries has_one capitals, and capitals.country_id is not unique"]
    );
    let unique = (
        "  index (country_id), as idx-capitals-country_id",
        "  unique (country_id)",
    );
    assert_eq!(compared("L07", &[unique]).len(), 0);
    // A partial unique index lets a second row in.
    let partial = (
        "  index (country_id), as idx-capitals-country_id",
        "  index (country_id), unique, where id > 0, as u",
    );
    assert_eq!(compared("L07", &[partial]).len(), 1);
    assert_eq!(
        compared("L46", &[]),
        [
            "error countries declares on_delete = \"Cascade\" on has_many cities, where it has no effect",
            // Which belongs_to says too.
            "info countries declares on_update = \"Cascade\" on has_many cities, where it has no effect",
        ]
    );
    let required = ("city_id: bigint\n  primary", "city_id: bigint, not null\n  primary");
    assert_eq!(
        compared("L18", &[required]),
        ["error streets.city_id is optional in the entity, and NOT NULL in the database"]
    );
}

/// MariaDB keeps RESTRICT where SET DEFAULT was written, so that only the entity tells.
#[test]
fn set_default_that_innodb_forgot() {
    let entities = models::entities();
    let mariadb = database(
        Backend::MySql,
        &entities,
        &[("on delete set default", "on delete restrict")],
    );
    assert_eq!(
        compared("L16", &entities, &mariadb),
        ["error streets.city_id is SET DEFAULT, which InnoDB does not have"]
    );
    let postgres = database(Backend::Postgres, &entities, &[]);
    assert_eq!(
        compared("L16", &entities, &postgres),
        ["warning streets.city_id is SET DEFAULT, and streets.city_id has no default, so it becomes NULL"]
    );
    let with_default = database(
        Backend::Postgres,
        &entities,
        &[("city_id: bigint\n", "city_id: bigint, default 1\n")],
    );
    assert_eq!(compared("L16", &entities, &with_default).len(), 0);
}

#[test]
fn facts() {
    let schema = Schema::parse(cases::POSTS).expect("it is well formed");
    let relation = &schema.foreign_keys().next().expect("there is one").relation;
    let with = |code: &str, change: &dyn Fn(&mut Facts)| {
        let mut facts = Facts::default();
        change(&mut facts);
        of(
            code,
            &lint::lint(&Subject::new(&schema).facts(facts), &LintSettings::default()),
        )
    };
    let orphans = |rows| {
        move |facts: &mut Facts| {
            facts.orphans = vec![Orphans {
                relation: relation.clone(),
                rows,
            }];
        }
    };
    assert_eq!(
        with("L25", &orphans(1)),
        ["error 1 row references by posts.user_id what is not in users.id"]
    );
    assert_eq!(
        with("L25", &orphans(1000)),
        ["error 1000 or more rows reference by posts.user_id what is not in users.id"]
    );
    assert_eq!(with("L25", &orphans(0)).len(), 0);
    assert_eq!(
        with("L26", &|facts| facts.foreign_keys_enforced = Some(false)),
        ["error PRAGMA foreign_keys is off: this session does not enforce foreign keys"]
    );
    assert_eq!(with("L26", &|facts| facts.foreign_keys_enforced = Some(true)).len(), 0);
    assert_eq!(with("L26", &|_| ()).len(), 0);
    let highest = |highest: i128| {
        move |facts: &mut Facts| {
            facts.key_use = vec![KeyUse {
                table: "users".into(),
                column: "id".into(),
                highest,
                capacity: 2_147_483_647,
            }];
        }
    };
    // Half of 2,147,483,647 is 1,073,741,823.5, and four fifths are 1,717,986,917.6.
    assert_eq!(with("L27", &highest(1_073_741_823)).len(), 0);
    assert_eq!(
        with("L27", &highest(1_073_741_824)),
        ["warning users.id has reached 1073741824, which is 50 % of the 2147483647 its type holds"]
    );
    assert!(with("L27", &highest(1_717_986_917))[0].starts_with("warning "));
    assert!(with("L27", &highest(1_717_986_918))[0].starts_with("error "));
}
