//! Enums and domains that change.

use super::super::Script;
use super::super::in_the_way::{has_type, is_type_made_anew};
use super::alter;
use crate::backend::Backend::Postgres;
use crate::ddl::{self, identifier, table_name};
use crate::name::TableName;
use crate::schema::{Column, NamedType, NamedTypeKind};

/// Labels are added in place. For all else the type is made anew, and the columns that have it are converted.
pub(super) fn change_type(script: &Script<'_>, from: &NamedType, to: &NamedType) -> Vec<String> {
    let name = table_name(Postgres, &to.name);
    if let (false, NamedTypeKind::Enum(known), NamedTypeKind::Enum(wanted)) =
        (is_type_made_anew(from, to), &from.kind, &to.kind)
    {
        return add_labels(&name, known, wanted);
    }
    let old = format!("{} before", to.name.name());
    let qualified_old = match to.name.schema() {
        Some(schema) => TableName::in_schema(schema, &*old),
        None => TableName::new(&*old),
    };
    let kind = type_kind(from);
    let mut statements = vec![format!("ALTER {kind} {name} RENAME TO {}", identifier(Postgres, &old))];
    if let NamedTypeKind::Domain(_) = from.kind {
        statements.push(rename_constraints(&table_name(Postgres, &qualified_old)));
    }
    statements.push(ddl::create_type(Postgres, to));
    let stay = script
        .from
        .tables
        .iter()
        .filter(|table| script.to.table(&table.name).is_some());
    for table in stay {
        let wanted = script.to.table(&table.name);
        for column in table.columns.iter().filter(|column| has_type(column, &to.name)) {
            let wanted = wanted.and_then(|table| table.column(&column.name));
            let is_gone = column.generated.is_some() && wanted.is_none_or(|wanted| wanted.generated.is_some());
            if !is_gone {
                statements.push(convert(&table.name, column, wanted));
            }
        }
    }
    statements.push(format!("DROP {kind} {}", table_name(Postgres, &qualified_old)));
    statements
}
/// The names of a domain's constraints are its schema's.
fn rename_constraints(domain: &str) -> String {
    let quoted = ddl::literal(domain);
    format!(
        "DO $rename$ DECLARE name text; BEGIN \
         FOR name IN SELECT conname FROM pg_catalog.pg_constraint WHERE contypid = {quoted}::regtype LOOP \
         EXECUTE format('ALTER DOMAIN %s RENAME CONSTRAINT %I TO %I', {quoted}::regtype, name, left(name, 40) || ' before'); \
         END LOOP; END $rename$"
    )
}

/// What stays has its own type at once; what goes, or gets another type, is text until then.
fn convert(table: &TableName, column: &Column, wanted: Option<&Column>) -> String {
    let name = identifier(Postgres, column.name.as_str());
    let stays = wanted.filter(|wanted| wanted.data_type == column.data_type);
    let data_type = stays.map_or("text", |wanted| &wanted.data_type);
    let mut actions = Vec::new();
    if column.default.is_some() {
        actions.push(format!("ALTER COLUMN {name} DROP DEFAULT"));
    }
    actions.push(format!(
        "ALTER COLUMN {name} TYPE {data_type} USING {name}::text::{data_type}"
    ));
    if let Some(default) = stays.and_then(|wanted| wanted.default.as_ref()) {
        actions.push(format!("ALTER COLUMN {name} SET DEFAULT {default}"));
    }
    alter(table, &actions.join(", "))
}

pub(super) const fn type_kind(named: &NamedType) -> &'static str {
    match named.kind {
        NamedTypeKind::Enum(_) => "TYPE",
        NamedTypeKind::Domain(_) => "DOMAIN",
    }
}

fn add_labels(name: &str, known: &[String], wanted: &[String]) -> Vec<String> {
    let mut added = Vec::new();
    let mut before: Option<&String> = None;
    for label in wanted {
        if !known.contains(label) {
            let place = match (before, known.first()) {
                (Some(before), _) => format!(" AFTER {}", ddl::literal(before)),
                (None, Some(first)) => format!(" BEFORE {}", ddl::literal(first)),
                (None, None) => String::new(),
            };
            added.push(format!("ALTER TYPE {name} ADD VALUE {}{place}", ddl::literal(label)));
        }
        before = Some(label);
    }
    added
}
