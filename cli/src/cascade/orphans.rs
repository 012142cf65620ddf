//! `cascade orphans`.

use anyhow::bail;
use sea_orm_cascade::Store;
use sea_orm_cascade::name::{ColumnName, KeyValues};
use sea_orm_cascade::orphans::{self, Finding, Mode, Orphans, Repair, Search};
use sea_orm_cascade::schema::{ForeignKey, Schema};
use serde_json::{Map, Value, json};

use super::arguments::{OrphansArguments, OrphansFormat, RepairWay};
use super::graph::find_table;
use crate::Outcome;
use crate::output::print;

pub(super) async fn run(store: &Store, schema: &Schema, arguments: &OrphansArguments) -> anyhow::Result<Outcome> {
    let keys = chosen(schema, arguments.table.as_deref())?;
    match arguments.repair {
        Some(way) => repair(store, schema, &keys, way, arguments).await,
        None => show(store, schema, &keys, arguments).await,
    }
}

/// The keys that were asked for.
fn chosen<'a>(schema: &'a Schema, asked: Option<&str>) -> anyhow::Result<Vec<&'a ForeignKey>> {
    let Some(asked) = asked else {
        return Ok(schema.foreign_keys().collect());
    };
    let of = |table: &str| find_table(schema, table);
    let (table, column) = match (of(asked), asked.rsplit_once('.')) {
        (Ok(table), _) => (table, None),
        (Err(_), Some((table, column))) if of(table).is_ok() => (of(table)?, Some(ColumnName::new(column))),
        (Err(error), _) => return Err(error),
    };
    let keys: Vec<_> = schema
        .foreign_keys()
        .filter(|key| key.relation.table == *table)
        .filter(|key| {
            column
                .as_ref()
                .is_none_or(|column| key.relation.columns.contains(column))
        })
        .collect();
    if let (Some(table), Some(column)) = (schema.table(table), &column)
        && table.column(column).is_none()
    {
        bail!("{} has no column {column}", table.name);
    }
    if keys.is_empty() {
        bail!("{asked} has no foreign key; one that the database does not have can be told with --relations");
    }
    Ok(keys)
}

async fn show(
    store: &Store,
    schema: &Schema,
    keys: &[&ForeignKey],
    arguments: &OrphansArguments,
) -> anyhow::Result<Outcome> {
    let search = Search::new().sample(arguments.sample);
    let mut findings = Vec::new();
    for key in keys {
        findings.push(orphans::find(store.connection(), schema, key, &search).await?);
    }
    print(&match arguments.format {
        OrphansFormat::Text => text(&findings),
        OrphansFormat::Json => {
            let all: Vec<_> = findings.iter().map(finding_json).collect();
            serde_json::to_string_pretty(&json!({ "format": 1, "keys": all }))? + "\n"
        }
    })?;
    let clean = findings
        .iter()
        .all(|finding| matches!(finding, Finding::Checked(found) if found.rows == 0));
    Ok(if clean { Outcome::Done } else { Outcome::Found })
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut clean = 0;
    for finding in findings {
        match finding {
            Finding::Checked(found) if found.rows == 0 => clean += 1,
            Finding::Checked(found) => text.push_str(&found_text(found)),
            Finding::Unchecked { relation, reason } => {
                text.push_str(&format!("{relation}: cannot be checked: {reason}\n"));
            }
        }
    }
    match (findings.len(), clean) {
        (0, _) => "this database has no foreign keys; some can be told with --relations\n".to_owned(),
        (_, 0) => text,
        (_, 1) => text + "1 key without orphans\n",
        (_, clean) => text + &format!("{clean} keys without orphans\n"),
    }
}

fn found_text(found: &Orphans) -> String {
    let relation = &found.relation;
    let mut text = format!(
        "{relation} references no row of {}: {} row(s)",
        relation.referenced_table, found.rows
    );
    if found.partly_null > 0 {
        text.push_str(&format!(", {} of them partly NULL", found.partly_null));
    }
    text.push('\n');
    for orphan in &found.sample {
        text.push_str(&format!("  {}  {}\n", orphan.key, orphan.reference));
    }
    let shown = u64::try_from(found.sample.len()).unwrap_or(u64::MAX);
    if shown > 0 && shown < found.rows {
        text.push_str("  …\n");
    }
    text
}

fn finding_json(finding: &Finding) -> Value {
    match finding {
        Finding::Checked(found) => json!({
            "key": found.relation,
            "rows": found.rows,
            "partly_null": found.partly_null,
            "sample": found.sample.iter().map(|orphan| json!({
                "key": values(&orphan.key),
                "reference": values(&orphan.reference),
            })).collect::<Vec<_>>(),
        }),
        Finding::Unchecked { relation, reason } => json!({ "key": relation, "unchecked": reason.to_string() }),
    }
}

fn values(key: &KeyValues) -> Value {
    let pairs = key.columns().iter().zip(key.values());
    Value::Object(
        pairs
            .map(|(column, value)| (column.to_string(), Value::from(value.as_str())))
            .collect::<Map<_, _>>(),
    )
}

async fn repair(
    store: &Store,
    schema: &Schema,
    keys: &[&ForeignKey],
    way: RepairWay,
    arguments: &OrphansArguments,
) -> anyhow::Result<Outcome> {
    let [key] = keys else {
        let keys: Vec<_> = keys.iter().map(|key| key.relation.to_string()).collect();
        bail!("name the one key to repair: {}", keys.join(", "));
    };
    let how = match way {
        RepairWay::Delete => Repair::Delete,
        RepairWay::Null => Repair::SetNull,
        RepairWay::Reown => {
            let values = arguments.to.as_deref().unwrap_or_default().split(',');
            Repair::Reown(values.map(|value| value.trim().to_owned().into()).collect())
        }
    };
    let mode = if arguments.yes { Mode::Apply } else { Mode::DryRun };
    let report = orphans::repair(store.connection(), schema, key, &how, mode).await?;
    print(&match arguments.format {
        OrphansFormat::Text => format!("{report}\n"),
        OrphansFormat::Json => {
            let further = report.further.iter().map(|further| {
                json!({
                    "key": further.relation,
                    "rows": further.rows,
                    "effect": further.effect.to_string(),
                    "by_database": further.by_database,
                })
            });
            let report = json!({
                "format": 1,
                "key": report.relation,
                "done": arguments.yes,
                "found": report.found,
                "below": report.below,
                "changed": report.changed,
                "remaining": report.remaining,
                "further": further.collect::<Vec<_>>(),
            });
            serde_json::to_string_pretty(&report)? + "\n"
        }
    })?;
    if mode == Mode::DryRun && report.found > 0 && arguments.format == OrphansFormat::Text {
        print("nothing was changed: add --yes to do it\n")?;
    }
    Ok(if report.remaining > 0 {
        Outcome::Found
    } else {
        Outcome::Done
    })
}
