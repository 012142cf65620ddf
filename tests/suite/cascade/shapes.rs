//! Shapes that engines have trouble with: long chains, circles, mixed diamonds.

use anyhow::{Result, ensure};
use sea_orm_cascade::delete::{self, Counting, DeleteOptions, Enforce, Relations, Roots};
use sea_orm_cascade::introspect::Scope;
use sea_orm_cascade::overlay::Overlay;
use sea_orm_cascade::schema::Action;
use sea_orm_cascade::{Backend, Store};

use super::compare::{Ending, Mode, compare};
use super::model::{Cell, Column, Graph, Key, Kind, Table, Which};
use super::{open, sql};
use crate::harness::{Db, cases, execute, number};

cases![
    a_chain_of_five_thousand_rows,
    a_chain_that_must_have_a_parent,
    a_circle_of_three_tables,
    a_mixed_diamond_in_every_order,
];

/// Makes a table of rows that each reference the one before, the first itself if it must, and deletes the first.
async fn chain(store: &Store, rows: usize, required: bool, constraint: Option<&str>) -> Result<()> {
    let (null, first) = if required { (" NOT NULL", "1") } else { ("", "NULL") };
    let forbids = matches!(constraint, Some("RESTRICT" | "NO ACTION"));
    let constraint = constraint.map_or_else(String::new, |action| {
        format!(", FOREIGN KEY (parent) REFERENCES nodes (id) ON DELETE {action}")
    });
    execute(store, "DROP TABLE IF EXISTS nodes").await?;
    execute(
        store,
        &format!("CREATE TABLE nodes (id integer NOT NULL PRIMARY KEY, parent integer{null}{constraint})"),
    )
    .await?;
    execute(store, "CREATE INDEX nodes_parent ON nodes (parent)").await?;
    let others: Vec<_> = (2..=rows).map(|id| format!("({id}, {})", id - 1)).collect();
    execute(
        store,
        &format!("INSERT INTO nodes VALUES (1, {first}), {}", others.join(", ")),
    )
    .await?;
    let overlay = Overlay::parse(
        "[[foreign_key]]\ntable = \"nodes\"\ncolumns = [\"parent\"]\nreferences = { table = \"nodes\" }\non_delete = \"cascade\"\n",
    )?;
    for counting in [Counting::Declined, Counting::Exact] {
        let relations = Relations::read(store.connection(), &Scope::Own)
            .await?
            .overlaid(&overlay)?;
        let options = DeleteOptions::new().counting(counting);
        // Half of it, and then the rest.
        let from = if counting == Counting::Declined {
            rows / 2 + 1
        } else {
            1
        };
        let plan = delete::plan(
            &relations.into(),
            &Roots::written("nodes", [from.to_string()]),
            &options,
        )?;
        let preview = plan.preview(store).await?;
        ensure!(preview.deleted("nodes") == (rows / 2) as u64, "{preview:?}");
        // InnoDB lets no row go that references itself and forbids it; the plan has said so.
        let refuses = store.backend() == Backend::MySql && required && from == 1 && forbids;
        if refuses {
            ensure!(plan.warnings().iter().any(|warning| warning.contains(" cannot go")));
            ensure!(plan.execute(store).await.is_err());
            ensure!(number(store, "SELECT COUNT(*) FROM nodes").await? == i64::try_from(rows / 2)?);
            continue;
        }
        let report = plan.execute(store).await?;
        ensure!(
            counting == Counting::Declined || report.deleted("nodes") == (rows / 2) as u64,
            "{report}"
        );
        let left = number(store, "SELECT COUNT(*) FROM nodes").await?;
        ensure!(left == i64::try_from(from)? - 1, "{left} rows are left");
    }
    Ok(())
}

async fn a_chain_of_five_thousand_rows(db: Db) -> Result<()> {
    let store = open(&db).await?;
    for constraint in [
        None,
        Some("CASCADE"),
        Some("SET NULL"),
        Some("RESTRICT"),
        Some("NO ACTION"),
    ] {
        chain(&store, 5_000, false, constraint).await?;
    }
    Ok(())
}

/// Not NULL, so nothing can be taken apart beforehand: engines that check at once get it row by row, from the end.
async fn a_chain_that_must_have_a_parent(db: Db) -> Result<()> {
    let store = open(&db).await?;
    for constraint in [None, Some("CASCADE"), Some("RESTRICT"), Some("NO ACTION")] {
        chain(&store, 300, true, constraint).await?;
    }
    Ok(())
}

/// A table with the columns `id` and these.
fn table(name: &str, columns: &[&str], nullable: bool, rows: &[&[i64]]) -> Table {
    let column = |name: &str, nullable| Column {
        name: name.to_owned(),
        kind: Kind::Int,
        nullable,
        default: None,
    };
    Table {
        name: name.to_owned(),
        columns: std::iter::once(column("id", false))
            .chain(columns.iter().map(|name| column(name, nullable)))
            .collect(),
        unique: vec![vec![0]],
        rows: rows
            .iter()
            .map(|row| row.iter().map(|number| Cell::Int(*number)).collect())
            .collect(),
    }
}

fn key(table: usize, column: usize, referenced: usize, action: Action, constraint: Action) -> Key {
    Key {
        table,
        columns: vec![column],
        referenced,
        referenced_columns: vec![0],
        action,
        subset: Vec::new(),
        values: Vec::new(),
        constraint: Some((constraint, Vec::new())),
    }
}

const EXACT: [Mode; 2] = [
    Mode {
        enforce: Enforce::Application,
        counting: Counting::Exact,
    },
    Mode {
        enforce: Enforce::Auto,
        counting: Counting::Declined,
    },
];

async fn a_circle_of_three_tables(db: Db) -> Result<()> {
    let store = open(&db).await?;
    for nullable in [true, false] {
        for constraint in [Action::Cascade, Action::NoAction, Action::Restrict] {
            let rows: &[&[i64]] = &[&[1, 1], &[2, 2], &[3, 3]];
            let graph = Graph {
                tables: (0..3)
                    .map(|number| table(&format!("t{number}"), &["k"], nullable, rows))
                    .collect(),
                keys: (0..3)
                    .map(|number| key(number, 1, (number + 1) % 3, Action::Cascade, constraint))
                    .collect(),
                root: 0,
                which: Which::Keys(Vec::new(), vec![vec![Cell::Int(2)]]),
            };
            for mode in EXACT {
                sql::make(&store, &graph).await?;
                let ending = compare(&store, &graph, mode, 0).await?;
                // What must be there when it is checked, at once, and row by row, cannot go in any order: the plan says so.
                let impossible = !nullable
                    && match (db.backend, constraint) {
                        (Backend::Postgres, _) | (_, Action::Cascade) => false,
                        (Backend::MySql, _) => true,
                        (Backend::Sqlite, action) => action == Action::Restrict,
                    };
                let expected = if impossible { Ending::Refused } else { Ending::Done };
                ensure!(
                    ending == expected,
                    "{ending:?} with {constraint}, {mode:?}, nullable: {nullable}"
                );
            }
        }
    }
    Ok(())
}

/// PostgreSQL's own result depends on the order in which the constraints were made, and MariaDB always refuses.
async fn a_mixed_diamond_in_every_order(db: Db) -> Result<()> {
    let store = open(&db).await?;
    for constraint in [Action::Restrict, Action::NoAction] {
        let keys = [
            key(1, 1, 0, Action::Cascade, Action::Cascade),
            key(2, 1, 0, Action::Cascade, Action::Cascade),
            key(3, 1, 1, constraint, constraint),
            key(3, 2, 2, Action::Cascade, Action::Cascade),
        ];
        let middle: &[&[i64]] = &[&[1, 1], &[2, 2]];
        for order in 0..24 {
            let mut left = keys.to_vec();
            let picks = [order % 4, order / 4 % 3, order / 12, 0];
            let graph = Graph {
                tables: vec![
                    table("t0", &[], true, &[&[1], &[2]]),
                    table("t1", &["k"], true, middle),
                    table("t2", &["k"], true, middle),
                    table("t3", &["k", "l"], true, &[&[1, 1, 1], &[2, 2, 2]]),
                ],
                keys: picks.into_iter().map(|pick| left.remove(pick)).collect(),
                root: 0,
                which: Which::Keys(Vec::new(), vec![vec![Cell::Int(1)]]),
            };
            sql::make(&store, &graph).await?;
            for mode in EXACT {
                sql::refill(&store, &graph).await?;
                let ending = compare(&store, &graph, mode, 0).await?;
                ensure!(ending == Ending::Done, "{ending:?} in the order {picks:?}, {mode:?}");
            }
        }
    }
    Ok(())
}
