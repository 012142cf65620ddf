//! Plans, reports and refusals as text and as JSON.

use sea_orm_cascade::migrate::{ChangeReport, KeyPlan};
use sea_orm_cascade::name::KeyValues;
use sea_orm_cascade::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::super::arguments::ForeignKeyFormat;

pub(super) fn plan(plan: &KeyPlan, format: ForeignKeyFormat) -> anyhow::Result<String> {
    match format {
        ForeignKeyFormat::Text => Ok(format!("{plan}\n")),
        ForeignKeyFormat::Json => json(plan),
    }
}

/// The plan, and in one line how far it has come.
pub(super) fn status(plan: &KeyPlan, format: ForeignKeyFormat) -> anyhow::Result<String> {
    let done = plan.steps.iter().filter(|step| step.done).count();
    let all = plan.steps.len();
    match (format, plan.next()) {
        (ForeignKeyFormat::Json, _) => json(plan),
        (ForeignKeyFormat::Text, None) => Ok(format!("{plan}\ndone\n")),
        (ForeignKeyFormat::Text, Some(next)) => {
            Ok(format!("{plan}\n{done} of {all} steps done; next: {}\n", next.kind))
        }
    }
}

fn json(plan: &KeyPlan) -> anyhow::Result<String> {
    let next = plan.next().map(|step| step.kind);
    let told = json!({
        "format": 1,
        "backend": plan.backend,
        "relation": plan.relation,
        "done": plan.is_done(),
        "next": next,
        "filled_to": plan.filled_to,
        "steps": plan.steps,
    });
    Ok(serde_json::to_string_pretty(&told)? + "\n")
}

pub(super) fn report(report: &ChangeReport, format: ForeignKeyFormat) -> anyhow::Result<String> {
    if format == ForeignKeyFormat::Text {
        return Ok(format!("{report}\n"));
    }
    let steps = report.steps.iter().map(|step| {
        json!({
            "kind": step.kind,
            "seconds": step.took.as_secs_f64(),
            "attempts": step.attempts,
        })
    });
    let told = json!({
        "format": 1,
        "relation": report.relation,
        "done": report.stopped.is_none(),
        "filled": report.filled,
        "steps": steps.collect::<Vec<_>>(),
        "stopped": report.stopped,
    });
    Ok(serde_json::to_string_pretty(&told)? + "\n")
}

/// The rows that would get no owner, for a program; a person is told in the error.
pub(super) fn unfilled(error: &Error, format: ForeignKeyFormat) -> anyhow::Result<String> {
    let ErrorKind::Unfilled {
        relation,
        missing,
        dangling,
        sample,
    } = error.kind()
    else {
        return Ok(String::new());
    };
    if format == ForeignKeyFormat::Text {
        return Ok(String::new());
    }
    let told = json!({
        "format": 1,
        "relation": relation,
        "done": false,
        "unfilled": {
            "missing": missing,
            "dangling": dangling,
            "sample": sample.iter().map(values).collect::<Vec<_>>(),
        },
    });
    Ok(serde_json::to_string_pretty(&told)? + "\n")
}

fn values(key: &KeyValues) -> Value {
    let pairs = key.columns().iter().zip(key.values());
    Value::Object(
        pairs
            .map(|(column, value)| (column.to_string(), Value::from(value.as_str())))
            .collect::<Map<_, _>>(),
    )
}
