//! Previews made by hand: the counts a database would give.

use std::sync::Arc;

use roxmltree::Document;

use super::super::{DeleteOptions, Preview, Relations, Roots, plan};
use crate::delete::{DeleteReport, RawCondition};
use crate::error::{BlockReason, Blocker};
use crate::name::{ColumnName, KeyValues, TableName};
use crate::schema::Schema;

/// A shop: `TABLE.COLUMN` references `TABLE` with an action. Every table has an integer `id`, and every reference an index.
fn relations(keys: &[(&str, &str, &str)]) -> Arc<Relations> {
    let mut tables: Vec<&str> = Vec::new();
    let names = keys
        .iter()
        .flat_map(|(key, referenced, _)| [key.split('.').next().unwrap_or_default(), *referenced]);
    for name in names {
        if !tables.contains(&name) {
            tables.push(name);
        }
    }
    let mut text = "backend sqlite\n".to_owned();
    for table in tables {
        text.push_str(&format!("table {table}\n  id: integer, not null\n"));
        let own = || {
            keys.iter()
                .filter_map(|(key, to, action)| Some((key.split_once('.')?, to, action)))
        };
        let of_table = || own().filter(|((name, _), _, _)| *name == table);
        for ((_, column), _, action) in of_table() {
            let default = if *action == "set default" { ", default 0" } else { "" };
            text.push_str(&format!("  {column}: integer{default}\n"));
        }
        text.push_str("  primary key (id)\n");
        for ((_, column), _, _) in of_table() {
            text.push_str(&format!("  index ({column}), as {table}_{column}\n"));
        }
        for ((_, column), to, action) in of_table() {
            let by = match *action {
                "protect" | "do nothing" => ", by application",
                _ => "",
            };
            text.push_str(&format!(
                "  foreign key ({column}) references {to} (id), on delete {action}{by}\n"
            ));
        }
    }
    Arc::new(Relations::new(Schema::parse(&text).expect("the schema is well formed")))
}

/// A preview with these rows for each key, and these blockers.
fn preview(
    relations: &Arc<Relations>,
    options: &DeleteOptions,
    rows: &[(&str, u64)],
    blockers: &[(&str, BlockReason, u64, &[&str])],
) -> Preview {
    let plan = plan(relations, &Roots::written("users", ["17"]), options).expect("it can be planned");
    let mut tables = plan.tables();
    for report in &mut tables {
        for by in &mut report.by {
            let known = rows.iter().find(|(key, _)| *key == by.relation.to_string());
            by.rows = known.map_or(0, |(_, rows)| *rows);
            match by.action {
                crate::schema::Action::Cascade => report.deleted += by.rows,
                crate::schema::Action::SetNull => report.set_null += by.rows,
                crate::schema::Action::SetDefault => report.set_default += by.rows,
                _ => report.dangling += by.rows,
            }
        }
        if report.table == TableName::new("users") {
            report.deleted += 1;
        }
    }
    let keys = relations.schema();
    let blockers = blockers.iter().map(|(name, reason, rows, sample)| {
        let key = keys.foreign_keys().find(|key| key.relation.to_string() == *name);
        let sample = sample
            .iter()
            .map(|id| KeyValues::new([(ColumnName::new("id"), (*id).to_owned())]));
        Blocker::new(
            key.expect("it is a key").relation.clone(),
            *reason,
            *rows,
            sample.collect(),
        )
    });
    Preview {
        roots: 1,
        tables,
        blockers: blockers.collect(),
        plan,
    }
}

fn shop() -> Preview {
    let relations = relations(&[
        ("posts.user_id", "users", "cascade"),
        ("comments.post_id", "posts", "cascade"),
        ("images.post_id", "posts", "set null"),
        ("audit.actor_id", "users", "do nothing"),
        ("invoices.user_id", "users", "restrict"),
    ]);
    let rows = [
        ("posts.user_id", 3),
        ("comments.post_id", 12),
        ("images.post_id", 7),
        ("audit.actor_id", 4),
    ];
    let blockers: [(_, _, _, &[&str]); 1] = [("invoices.user_id", BlockReason::Restrict, 2, &["5", "9"])];
    preview(&relations, &DeleteOptions::new(), &rows, &blockers)
}

/// The sketch of the design.
#[test]
fn a_tree_with_counts() {
    insta::assert_snapshot!(shop(), @"
    users                               delete 1
    ├─ audit.actor_id       do nothing  leaves 4 dangling
    ├─ invoices.user_id     restrict    BLOCKED by 2 rows: id 5, 9
    └─ posts.user_id        cascade     delete 3
       ├─ comments.post_id  cascade     delete 12
       └─ images.post_id    set null    null   7
    blocked: nothing would be deleted. Delete or re-own the 2 invoices first, or declare another action for invoices.user_id.
    ");
}

#[test]
fn a_tree_that_nothing_blocks() {
    let mut preview = shop();
    preview.blockers.clear();
    insta::assert_snapshot!(preview, @"
    users                               delete 1
    ├─ audit.actor_id       do nothing  leaves 4 dangling
    ├─ invoices.user_id     restrict    blocks nothing
    └─ posts.user_id        cascade     delete 3
       ├─ comments.post_id  cascade     delete 12
       └─ images.post_id    set null    null   7
    would delete 16 rows of 3 tables, change 7, leave 4 dangling
    ");
}

#[test]
fn tables_seen_again_circles_and_keys_without_rows() {
    let relations = relations(&[
        ("users.boss_id", "users", "cascade"),
        ("orders.user_id", "users", "cascade"),
        ("orders.payer_id", "users", "cascade"),
        ("lines.order_id", "orders", "cascade"),
        ("teams.lead_id", "users", "cascade"),
        ("users.team_id", "teams", "cascade"),
        ("badges.user_id", "users", "cascade"),
        ("medals.badge_id", "badges", "restrict"),
        ("notes.user_id", "users", "restrict"),
    ]);
    let rows = [
        ("users.boss_id", 2),
        ("orders.user_id", 3),
        ("orders.payer_id", 1),
        ("lines.order_id", 8),
        ("teams.lead_id", 1),
        ("users.team_id", 4),
    ];
    insta::assert_snapshot!(preview(&relations, &DeleteOptions::new(), &rows, &[]), @"
    users                            delete 1
    ├─ badges.user_id      cascade   no rows
    ├─ notes.user_id       restrict  blocks nothing
    ├─ orders.payer_id     cascade   delete 1
    │  └─ lines.order_id   cascade   delete 8
    ├─ orders.user_id …    cascade   delete 3
    ├─ teams.lead_id       cascade   delete 1
    │  └─ users.team_id …  cascade   delete 4
    └─ users.boss_id …     cascade   delete 2
    would delete 20 rows of 4 tables
    ");
}

/// Rows that block because others would be changed have a place too.
#[test]
fn every_blocker_is_shown() {
    let relations = relations(&[
        ("posts.user_id", "users", "set default"),
        ("posts.owner_id", "users", "set null"),
        ("pages.post_id", "posts", "restrict"),
        ("notes.user_id", "users", "protect"),
    ]);
    let rows = [("posts.user_id", 3), ("posts.owner_id", 2)];
    let blockers: [(_, _, _, &[&str]); 3] = [
        ("posts.user_id", BlockReason::Dangles, 3, &["1", "2"]),
        ("pages.post_id", BlockReason::Referenced, 1, &["4"]),
        ("notes.user_id", BlockReason::Protect, 1, &[]),
    ];
    let preview = preview(&relations, &DeleteOptions::new(), &rows, &blockers);
    insta::assert_snapshot!(preview, @"
    users                             delete 1
    ├─ notes.user_id     protect      BLOCKED by 1 row
    ├─ posts.owner_id    set null     null    2
    │  └─ pages.post_id  restrict     BLOCKED by 1 row that references what would change: id 4
    └─ posts.user_id     set default  default 3; BLOCKED by 3 rows that would reference no row: id 1, 2, …
    blocked: nothing would be deleted. Delete or re-own the 3 posts, the row of pages and the row of notes first, or declare other actions for posts.user_id, pages.post_id and notes.user_id.
    ");
    for text in [preview.to_mermaid(), preview.to_html(), preview.to_json()] {
        for table in ["posts", "pages", "notes"] {
            assert!(text.contains(table), "{table} is not in {text}");
        }
    }
}

#[test]
fn counts_that_ended_early_say_so() {
    let relations = relations(&[
        ("posts.user_id", "users", "cascade"),
        ("invoices.user_id", "users", "restrict"),
    ]);
    let options = DeleteOptions::new().cap(1000);
    let blockers: [(_, _, _, &[&str]); 1] = [("invoices.user_id", BlockReason::Restrict, 1000, &["5"])];
    let preview = preview(&relations, &options, &[("posts.user_id", 1000)], &blockers);
    insta::assert_snapshot!(preview, @"
    users                          delete 1
    ├─ invoices.user_id  restrict  BLOCKED by at least 1000 rows: id 5, …
    └─ posts.user_id     cascade   delete at least 1000
    blocked: nothing would be deleted. Delete or re-own the rows of invoices first, or declare another action for invoices.user_id.
    ");
    let json: serde_json::Value = serde_json::from_str(&preview.to_json()).expect("it is JSON");
    let capped = |pointer: &str| json.pointer(pointer).and_then(serde_json::Value::as_bool);
    assert_eq!(
        (
            capped("/roots/capped"),
            capped("/tables/0/capped"),
            capped("/tables/1/capped"),
            capped("/blockers/0/capped")
        ),
        (Some(false), Some(true), Some(false), Some(true))
    );
}

#[test]
fn as_json() {
    insta::assert_snapshot!(shop().to_json());
}

#[test]
fn as_mermaid() {
    insta::assert_snapshot!(shop().to_mermaid());
}

#[test]
fn as_html() {
    insta::assert_snapshot!(shop().to_html());
}

fn report() -> DeleteReport {
    let Preview {
        plan, roots, tables, ..
    } = shop();
    DeleteReport {
        plan,
        roots,
        tables,
        not_counted: Vec::new(),
    }
}

#[test]
fn what_was_done_has_the_same_forms() {
    let report = report();
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).expect("it is JSON");
    let before: serde_json::Value = serde_json::from_str(&shop().to_json()).expect("it is JSON");
    assert_eq!(json.pointer("/done"), Some(&serde_json::Value::Bool(true)));
    for same in ["tables", "roots", "warnings", "statements", "fingerprint"] {
        assert_eq!(json.get(same), before.get(same), "{same}");
    }
    assert_eq!(serde_json::to_value(&report).ok(), Some(json));
    assert!(report.to_mermaid().contains("posts<br/>deleted 3"));
    assert!(
        report
            .to_html()
            .contains("deleted 16 rows of 3 tables, changed 7, left 4 dangling")
    );
}

#[test]
fn what_the_database_did_uncounted_is_not_nothing() {
    let mut report = report();
    for table in &mut report.tables {
        *table = super::super::report::TableReport::new(table.table.clone());
    }
    report.not_counted = vec![TableName::new("posts")];
    assert!(report.to_mermaid().contains("posts<br/>not counted"));
    assert!(report.to_json().contains("\"not_counted\": [\n    \"posts\"\n  ]"));
}

/// Names and keys that a terminal, Mermaid or a browser would take for something else.
#[test]
fn odd_names_are_harmless() {
    let text = "backend sqlite\ntable users\n  id: integer, not null\n  primary key (id)\n\
                table \"<script>alert(1)</script>\"\n  \"a\"\"]; %% b\": integer\n  primary key (\"a\"\"]; %% b\")\n  \
                foreign key (\"a\"\"]; %% b\") references users (id), on delete restrict\n";
    let relations = Arc::new(Relations::new(Schema::parse(text).expect("the schema is well formed")));
    let key = relations
        .schema()
        .foreign_keys()
        .next()
        .expect("it is there")
        .relation
        .clone();
    let sample = KeyValues::new([(ColumnName::new("id"), "\u{1b}[31m<b>\n".to_owned())]);
    let plan = plan(
        &relations,
        &Roots::matching("users", RawCondition::new("1 < 2 -- </code>")),
        &DeleteOptions::new(),
    )
    .expect("it can be planned");
    let preview = Preview {
        roots: 1,
        tables: plan.tables(),
        blockers: vec![Blocker::new(key, BlockReason::Restrict, 1, vec![sample])],
        plan,
    };
    let text = preview.to_string();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    let html = preview.to_html();
    assert!(
        !html.contains("<script") && !html.contains("<b>") && !html.contains("-- </code>"),
        "{html}"
    );
    let mermaid = preview.to_mermaid();
    for line in mermaid.lines() {
        assert!(
            line.matches('"').count() % 2 == 0 && !line.contains("%%") && !line.contains("<script"),
            "{line}"
        );
    }
}

#[test]
fn the_picture_is_well_formed_and_nothing_overlaps() {
    let html = shop().to_html();
    let (start, end) = (html.find("<svg"), html.find("</svg>"));
    let svg = html
        .get(start.expect("it has one")..end.expect("it ends") + 6)
        .expect("it is there");
    let svg = Document::parse(svg).expect("it is well formed");
    let number = |node: &roxmltree::Node<'_, '_>, name| -> f64 {
        node.attribute(name)
            .and_then(|text| text.parse().ok())
            .expect("it is a number")
    };
    let boxes: Vec<_> = svg
        .descendants()
        .filter(|node| node.has_tag_name("rect"))
        .map(|node| {
            (
                number(&node, "x"),
                number(&node, "y"),
                number(&node, "width"),
                number(&node, "height"),
            )
        })
        .collect();
    assert_eq!(boxes.len(), 6);
    for (index, a) in boxes.iter().enumerate() {
        for b in boxes.iter().skip(index + 1) {
            let apart = a.0 + a.2 < b.0 || b.0 + b.2 < a.0 || a.1 + a.3 < b.1 || b.1 + b.3 < a.1;
            assert!(apart, "{a:?} overlaps {b:?}");
        }
    }
}
