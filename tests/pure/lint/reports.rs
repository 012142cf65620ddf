//! Settings, baselines and the forms of a report.

use sea_orm_cascade::Backend;
use sea_orm_cascade::lint::{self, Baseline, Declared, Finding, RULES, Subject};
use sea_orm_cascade::overlay::{Ignore, LintSettings, Severity};
use sea_orm_cascade::schema::Schema;
use serde_json::Value;

use super::{database, findings, models};

/// Two tables with something of each severity.
const SCHEMA: &str = "backend postgres
table billing.notes
  text: text
table posts
  id: integer, not null
  editor_id: integer
  user_id: bigint, not null
  primary key (id)
  foreign key (user_id) references users (id), on delete cascade, as fk
table users
  id: integer, not null
  primary key (id)
";

fn found(settings: &LintSettings) -> Vec<String> {
    let schema = Schema::parse(SCHEMA).expect("it is well formed");
    let findings = lint::lint(&Subject::new(&schema), settings);
    findings
        .iter()
        .map(|finding| format!("{} {}", finding.severity, finding.id))
        .collect()
}

fn ignore(change: impl FnOnce(&mut Ignore)) -> LintSettings {
    let mut ignore = Ignore::default();
    change(&mut ignore);
    let mut settings = LintSettings::default();
    settings.ignores.push(ignore);
    settings
}

#[test]
fn errors_come_first() {
    assert_eq!(
        found(&LintSettings::default()),
        [
            "error L02 posts(user_id) -> users.id",
            "warning L01 posts(user_id)",
            "warning L45 billing.notes",
            "info L04 posts(editor_id)",
        ]
    );
}

#[test]
fn levels_and_ignores() {
    let mut settings = LintSettings::default();
    settings.levels.insert("L01".to_owned(), Severity::Error);
    settings.levels.insert("L02".to_owned(), Severity::Off);
    assert_eq!(
        found(&settings),
        [
            "error L01 posts(user_id)",
            "warning L45 billing.notes",
            "info L04 posts(editor_id)"
        ]
    );
    let without = |settings: LintSettings| {
        let all = found(&LintSettings::default());
        let left = found(&settings);
        let mut gone: Vec<_> = all.into_iter().filter(|line| !left.contains(line)).collect();
        for line in &mut gone {
            *line = line.split(' ').nth(1).expect("a code is second").to_owned();
        }
        gone.join(" ")
    };
    assert_eq!(without(ignore(|ignore| ignore.rule = Some("L01".to_owned()))), "L01");
    assert_eq!(
        without(ignore(|ignore| ignore.table = Some("posts".into()))),
        "L02 L01 L04"
    );
    // Another schema's table of the same name is another table.
    assert_eq!(without(ignore(|ignore| ignore.table = Some("notes".into()))), "");
    assert_eq!(
        without(ignore(|ignore| ignore.column = Some("user_id".into()))),
        "L02 L01"
    );
    assert_eq!(
        without(ignore(|ignore| {
            ignore.rule = Some("L02".to_owned());
            ignore.column = Some("user_id".into());
            ignore.table = Some("users".into());
        })),
        ""
    );
    assert_eq!(without(ignore(|_| ())), "L02 L01 L45 L04");
}

#[test]
fn an_unknown_rule_is_refused() {
    let refused = |code: &str| {
        let error = lint::check_settings(&ignore(|ignore| ignore.rule = Some(code.to_owned())));
        error.expect_err("there is no such rule").to_string()
    };
    assert!(refused("l01").ends_with("\"l01\" is not a rule's code: write L01 (missing-index)"));
    assert!(refused("missing-index").ends_with("\"missing-index\" is not a rule's code: write L01 (missing-index)"));
    assert!(refused("L99").contains("\"L99\" is not a rule of the linter: there are L01, L02, "));
    let mut settings = LintSettings::default();
    settings.levels.insert("L46".to_owned(), Severity::Off);
    lint::check_settings(&settings).expect("L46 is a rule");
    settings.levels.insert("L30".to_owned(), Severity::Off);
    lint::check_settings(&settings).expect("L30 is one about migrations");
    settings.levels.insert("L37".to_owned(), Severity::Off);
    lint::check_settings(&settings).expect_err("L37 is free");
    assert_eq!(lint::known("L46").expect("it is there").name, "action-without-effect");
}

#[test]
fn a_baseline_hides_what_is_known_and_names_what_has_gone() {
    let all = findings(SCHEMA);
    let baseline = Baseline::of(&all);
    assert_eq!(
        Baseline::parse(&baseline.to_string()).expect("it wrote that itself"),
        baseline
    );
    let compared = baseline.compare(all.clone());
    assert_eq!(
        (compared.findings.len(), compared.known, compared.stale.len()),
        (0, 4, 0)
    );

    // What is fixed is stale, and what is new is told; the text of a message is not what it goes by.
    let changed = SCHEMA
        .replace("user_id: bigint", "user_id: integer")
        .replace("table users", "table logs\n  t: text\ntable users");
    let compared = Baseline::parse(&format!("# known in May\n\n{baseline}"))
        .expect("it is well formed")
        .compare(findings(&changed));
    assert_eq!(
        compared
            .findings
            .iter()
            .map(|finding| finding.id.as_str())
            .collect::<Vec<_>>(),
        ["L45 logs"]
    );
    assert_eq!(compared.stale, ["L02 posts(user_id) -> users.id"]);
    let error = Baseline::parse("L01 posts(user_id)\nposts")
        .expect_err("it names no rule")
        .to_string();
    assert!(
        error.ends_with("line 2 of the baseline is not the identity of a finding, such as L45 notes: \"posts\""),
        "{error}"
    );
}

/// Whatever names hold, each finding is one line of its own.
#[test]
fn identities_are_single_lines() {
    let mut schema =
        Schema::parse("backend sqlite\ntable a\n  x: text\ntable b\n  x: text\n").expect("it is well formed");
    schema.tables[0].name = "two\nlines".into();
    let findings = lint::lint(&Subject::new(&schema), &LintSettings::default());
    let baseline = Baseline::of(&findings);
    assert_eq!(
        Baseline::parse(&baseline.to_string())
            .expect("it wrote that itself")
            .compare(findings)
            .findings,
        []
    );
}

/// Every fix of the rules that this subject sets off, to be read.
#[test]
fn as_text() {
    insta::assert_snapshot!(lint::text(&findings(SCHEMA)));
    assert_eq!(lint::text(&[]), "0 errors, 0 warnings, 0 notes\n");
}

#[test]
fn as_json() {
    let json: Value = serde_json::from_str(&lint::json(&findings(SCHEMA))).expect("it is JSON");
    assert_eq!(json["format"], 1);
    let second = &json["findings"][1];
    assert_eq!(second["code"], "L01");
    assert_eq!(second["severity"], "warning");
    assert_eq!(second["table"], "posts");
    assert_eq!(second["columns"][0], "user_id");
    assert_eq!(
        second["fix"]["sql"],
        "CREATE INDEX CONCURRENTLY \"idx-posts-user_id\" ON \"posts\" (\"user_id\");"
    );
    assert_eq!(json["findings"][2]["table"], "billing.notes");
}

/// What OASIS' "Static Analysis Results Interchange Format" 2.1.0 requires.
#[test]
fn as_sarif() {
    let text = lint::sarif(&findings(SCHEMA));
    let log: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(log["version"], "2.1.0");
    assert!(
        log["$schema"]
            .as_str()
            .is_some_and(|schema| schema.ends_with("sarif-schema-2.1.0.json"))
    );
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "sea-orm-cascade");
    let rules = driver["rules"].as_array().expect("rules are a list");
    assert_eq!(rules.len(), RULES.len());
    for rule in rules {
        assert!(
            rule["id"].is_string() && rule["shortDescription"]["text"].is_string(),
            "{rule}"
        );
        assert!(
            ["note", "warning", "error"].contains(&rule["defaultConfiguration"]["level"].as_str().expect("it is text"))
        );
    }
    let results = run["results"].as_array().expect("results are a list");
    let levels: Vec<_> = results
        .iter()
        .map(|result| result["level"].as_str().expect("it is text"))
        .collect();
    assert_eq!(levels, ["error", "warning", "warning", "note"]);
    for (result, finding) in results.iter().zip(findings(SCHEMA)) {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("it is a number")).expect("it is small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(
            result["message"]["text"]
                .as_str()
                .is_some_and(|text| text.starts_with(&finding.message))
        );
        assert_eq!(result["partialFingerprints"]["finding/v1"], finding.id);
    }
    let place = &results[0]["locations"][0]["logicalLocations"][0];
    assert_eq!(place["fullyQualifiedName"], "posts.user_id");
    assert_eq!(
        results[2]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"],
        "billing.notes"
    );
    insta::assert_snapshot!(serde_json::to_string_pretty(&results[0]).expect("it is JSON"));
}

/// The fixes that need entities, on each engine.
#[test]
fn fixes_by_engine() {
    let entities = models::entities();
    let mut text = String::new();
    for backend in [Backend::Postgres, Backend::MySql, Backend::Sqlite] {
        let database = database(
            backend,
            &entities,
            &[
                ("on delete set default", "on delete restrict"),
                ("on update cascade", "on update cascade, deferrable initially deferred"),
                (
                    "  foreign key (street_id) references streets (id), on delete cascade",
                    "  unique (city_id)",
                ),
            ],
        );
        let declared = Declared::new(backend, &entities).expect("their types are there");
        let findings: Vec<Finding> = lint::lint(&Subject::new(&database).entities(&declared), &LintSettings::default());
        text.push_str(&format!("== {backend}\n{}", lint::text(&findings)));
    }
    insta::assert_snapshot!(text);
}
