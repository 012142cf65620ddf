//! [`RULES`]: the catalogue.

use super::finding::{Draft, Finding, Subject};
use super::migration::{History, Seen, rules as migration};
use super::{columns, data, declared, inverse, keys, names, paths, tables};
use crate::overlay::Severity::{self, Error, Info, Warning};

/// A rule: what is looked for, and how much it matters unless the settings say otherwise.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rule {
    /// Its code, which never changes: `L01`.
    pub code: &'static str,
    /// Its name: `missing-index`.
    pub name: &'static str,
    /// How much its findings matter. Some rules judge a finding more or less severe than this.
    pub severity: Severity,
    /// What it looks for.
    pub summary: &'static str,
    /// Why that matters.
    pub why: &'static str,
    pub(super) check: Check,
}

/// What a rule looks at.
#[derive(Debug)]
pub(super) enum Check {
    Schema(fn(&Subject<'_>) -> Vec<Draft>),
    Migration(fn(&History<'_>) -> Vec<Seen>),
}

impl Rule {
    /// What it finds in a schema; nothing if it is about migrations.
    pub(super) fn findings(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let drafts = match self.check {
            Check::Schema(check) => check(subject),
            Check::Migration(_) => Vec::new(),
        };
        drafts.into_iter().map(|draft| self.finding(draft, "")).collect()
    }

    /// What it finds in a migration; nothing if it is about schemas.
    pub(super) fn in_migration(&self, history: &History<'_>) -> Vec<Finding> {
        let seen = match self.check {
            Check::Schema(_) => Vec::new(),
            Check::Migration(check) => check(history),
        };
        // Lines move, and files are seldom renamed.
        let place = history.name().map(|name| format!("{name}: ")).unwrap_or_default();
        seen.into_iter()
            .filter(|seen| !history.ignores(seen.source, self.code))
            .map(|seen| {
                let mut finding = self.finding(seen.draft, &place);
                finding.place = history.place(seen.source);
                finding
            })
            .collect()
    }

    fn finding(&self, draft: Draft, within: &str) -> Finding {
        Finding {
            code: self.code,
            rule: self.name,
            severity: draft.severity.unwrap_or(self.severity),
            table: draft.table,
            columns: draft.columns,
            message: draft.message,
            why: self.why,
            fix: draft.fix,
            id: one_line(&format!("{} {within}{}", self.code, draft.about)),
            place: None,
        }
    }
}

/// A name may hold a line break, and an identity is a line of a file.
fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c.is_control() {
            true => c.escape_default().collect::<Vec<_>>(),
            false => vec![c],
        })
        .collect()
}

/// The rules, by code: about schemas, and from L30 to L41 and L44 about migrations.
pub const RULES: &[Rule] = &[
    Rule {
        code: "L01",
        name: "missing-index",
        severity: Warning,
        summary: "a foreign key whose columns no usable index begins with",
        why: "every delete of a referenced row, and every change of its key, reads the whole referencing table",
        check: Check::Schema(keys::missing_index),
    },
    Rule {
        code: "L02",
        name: "type-mismatch",
        severity: Error,
        summary: "a referencing column of another type than the column it references",
        why: "values of one do not fit into the other, and comparing them may convert each row instead of using an index",
        check: Check::Schema(columns::type_mismatch),
    },
    Rule {
        code: "L03",
        name: "missing-constraint",
        severity: Error,
        summary: "a belongs_to without a foreign key in the database",
        why: "nothing keeps rows from referencing what is not there, and the declared action never happens",
        check: Check::Schema(declared::missing_constraint),
    },
    Rule {
        code: "L04",
        name: "unlinked-id",
        severity: Info,
        summary: "a column that is called like a reference and is in no relation and no key",
        why: "a relation that nobody declared is one that no delete, plan or check sees",
        check: Check::Schema(tables::unlinked_id),
    },
    Rule {
        code: "L05",
        name: "undeclared-constraint",
        severity: Info,
        summary: "a foreign key in the database that no entity declares",
        why: "deletes follow it, and code that reads the entities does not know",
        check: Check::Schema(declared::undeclared_constraint),
    },
    Rule {
        code: "L06",
        name: "one-sided-relation",
        severity: Warning,
        summary: "a relation whose other side is not declared, or declares other columns",
        why: "it can be followed in one direction only, and SeaORM's cascade_delete does not see the referencing rows",
        check: Check::Schema(inverse::one_sided),
    },
    Rule {
        code: "L07",
        name: "one-to-one-not-unique",
        severity: Error,
        summary: "has_one over columns that are not unique",
        why: "a second row can be inserted, and then which of them is found is chance",
        check: Check::Schema(inverse::not_unique),
    },
    Rule {
        code: "L08",
        name: "unique-has-many",
        severity: Warning,
        summary: "has_many over columns that are unique",
        why: "there is never a second row: either the relation or the unique key is a mistake",
        check: Check::Schema(inverse::unique_has_many),
    },
    Rule {
        code: "L09",
        name: "action-differs",
        severity: Error,
        summary: "a foreign key whose actions in the database are not those the entity declares",
        why: "a delete does something else than the code says",
        check: Check::Schema(declared::action_differs),
    },
    Rule {
        code: "L10",
        name: "deferrability-differs",
        severity: Warning,
        summary: "a foreign key that is checked at another time than declared",
        why: "a database made from the declaration refuses what this one accepts, or the reverse",
        check: Check::Schema(declared::deferrability_differs),
    },
    Rule {
        code: "L11",
        name: "not-validated",
        severity: Warning,
        summary: "a constraint that was never validated, or is not enforced",
        why: "rows that violate it may be there, and the planner and this library may not rely on it",
        check: Check::Schema(tables::not_validated),
    },
    Rule {
        code: "L12",
        name: "invalid-index",
        severity: Error,
        summary: "an index that is invalid",
        why: "it costs every write and serves no query; CREATE INDEX IF NOT EXISTS takes it for done",
        check: Check::Schema(tables::invalid_index),
    },
    Rule {
        code: "L13",
        name: "overlapping-keys",
        severity: Warning,
        summary: "the same foreign key twice, or two that share columns",
        why: "a second equal key costs every write; keys that share columns can write them against each other",
        check: Check::Schema(keys::overlapping),
    },
    Rule {
        code: "L14",
        name: "redundant-index",
        severity: Warning,
        summary: "an index that another one begins with",
        why: "it costs every write, and the other serves the same queries",
        check: Check::Schema(tables::redundant_index),
    },
    Rule {
        code: "L15",
        name: "set-null-not-null",
        severity: Error,
        summary: "SET NULL on a column that must not be NULL",
        why: "the delete fails as soon as one row references",
        check: Check::Schema(columns::set_null_not_null),
    },
    Rule {
        code: "L16",
        name: "set-default",
        severity: Error,
        summary: "SET DEFAULT on a column without a default, or on an engine that does not have it",
        why: "without a default it is SET NULL or fails; InnoDB refuses it, or keeps RESTRICT in its place",
        check: Check::Schema(columns::set_default),
    },
    Rule {
        code: "L17",
        name: "nullable-cascade",
        severity: Info,
        summary: "CASCADE over a column that may be NULL",
        why: "rows that could live without the referenced row go with it",
        check: Check::Schema(columns::nullable_cascade),
    },
    Rule {
        code: "L18",
        name: "nullability-differs",
        severity: Error,
        summary: "a relation that is optional in the entity and required in the database, or the reverse",
        why: "what the entity may write is refused, or what the database may hold cannot be read",
        check: Check::Schema(declared::nullability_differs),
    },
    Rule {
        code: "L19",
        name: "cascade-cycle",
        severity: Warning,
        summary: "tables that cascade to each other in a circle",
        why: "how far a delete goes depends on the data alone, and may be everything",
        check: Check::Schema(paths::cascade_cycle),
    },
    Rule {
        code: "L20",
        name: "cascade-depth",
        severity: Error,
        summary: "a cascade deeper than the 14 levels InnoDB does",
        why: "InnoDB ends a delete that cascades 15 levels with an error",
        check: Check::Schema(paths::cascade_depth),
    },
    Rule {
        code: "L21",
        name: "mixed-diamond",
        severity: Warning,
        summary: "rows that one path deletes and another one protects",
        why: "whether the delete passes depends on the engine, on the paths, and on the order in which the keys were created",
        check: Check::Schema(paths::mixed_diamond),
    },
    Rule {
        code: "L22",
        name: "required-cycle",
        severity: Warning,
        summary: "required references in a circle",
        why: "no row can be the first: each must reference one that is there already",
        check: Check::Schema(paths::required_cycle),
    },
    Rule {
        code: "L23",
        name: "referenced-not-unique",
        severity: Error,
        summary: "referenced columns that are not unique",
        why: "SQLite refuses every insert into the referencing table; elsewhere it is open which row is referenced",
        check: Check::Schema(keys::referenced_not_unique),
    },
    Rule {
        code: "L24",
        name: "referenced-missing",
        severity: Error,
        summary: "a foreign key to a table or column that does not exist",
        why: "every insert into the referencing table fails once keys are enforced",
        check: Check::Schema(keys::referenced_missing),
    },
    Rule {
        code: "L25",
        name: "orphans",
        severity: Error,
        summary: "rows that reference what is not there",
        why: "joins lose them silently, and the constraint cannot be validated",
        check: Check::Schema(data::orphans),
    },
    Rule {
        code: "L26",
        name: "not-enforced",
        severity: Error,
        summary: "a session in which foreign keys are not enforced",
        why: "orphans are accepted and no action happens",
        check: Check::Schema(data::not_enforced),
    },
    Rule {
        code: "L27",
        name: "key-overflow",
        severity: Warning,
        summary: "a key of at most 4 bytes that is half used up; an error above four fifths",
        why: "when the numbers run out every insert fails, and widening a large table takes long",
        check: Check::Schema(data::key_overflow),
    },
    Rule {
        code: "L28",
        name: "name-limit",
        severity: Warning,
        summary: "a name longer than the engine keeps, or two that are the same to it",
        why: "PostgreSQL cuts it without an error, so that it is not found again or is taken; MySQL refuses it",
        check: Check::Schema(names::name_limit),
    },
    Rule {
        code: "L29",
        name: "collation-mismatch",
        severity: Warning,
        summary: "a referencing column of another collation than the column it references",
        why: "the key and a join disagree about which texts are equal, or cannot use each other's index",
        check: Check::Schema(columns::collation_mismatch),
    },
    migration::L30,
    migration::L31,
    migration::L32,
    migration::L33,
    migration::L34,
    migration::L35,
    migration::L36,
    migration::L39,
    migration::L40,
    migration::L41,
    Rule {
        code: "L42",
        name: "engine-without-keys",
        severity: Warning,
        summary: "a MySQL table whose storage engine has no foreign keys; an error if it is in a relation",
        why: "FOREIGN KEY is accepted and forgotten there, and what a transaction did to it is not rolled back",
        check: Check::Schema(tables::engine_without_keys),
    },
    Rule {
        code: "L43",
        name: "shared-column-nulled",
        severity: Warning,
        summary: "SET NULL over several columns that nulls one which another key uses too",
        why: "the row loses its tenant along with the reference",
        check: Check::Schema(keys::shared_column_nulled),
    },
    migration::L44,
    Rule {
        code: "L45",
        name: "no-primary-key",
        severity: Warning,
        summary: "a table without a primary key",
        why: "a row cannot be named: not by SeaORM, not by a batch, an archive or a replica",
        check: Check::Schema(tables::no_primary_key),
    },
    Rule {
        code: "L46",
        name: "action-without-effect",
        severity: Error,
        summary: "an action declared on has_many or has_one",
        why: "it reaches no constraint: only the action of belongs_to does",
        check: Check::Schema(inverse::action_without_effect),
    },
];
