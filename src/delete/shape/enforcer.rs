//! Who carries out a key's action.

use super::{Action, Backend, Building, Counting, DEEPEST_INNODB_CASCADE, Enforce, Error, ForeignKey, Result, graph};

impl Building<'_> {
    pub(super) fn is_by_database(&self, key: &ForeignKey, followed: &[ForeignKey]) -> Result<bool> {
        let relation = &key.relation;
        let equal = self.relations.has_equal_constraint(key);
        self.refuse_contradiction(key)?;
        match (self.options.enforced(key), key.on_delete) {
            (Enforce::Application, _) => Ok(false),
            // There is nothing to carry out.
            (Enforce::Database, Action::DoNothing) => Ok(false),
            (Enforce::Database, _) if equal => Ok(true),
            (Enforce::Database, _) => Err(Error::invalid_input(format!(
                "the database does not enforce {relation} as {}: it has no such constraint, one with another action, or one that was never \
                 validated; let the application enforce it, or add the constraint",
                key.on_delete
            ))),
            (Enforce::Auto, Action::Restrict | Action::NoAction) => {
                Ok(equal && !self.closure.contains(&relation.table))
            }
            (Enforce::Auto, Action::Cascade | Action::SetNull | Action::SetDefault) => Ok(equal
                && (self.options.counting == Counting::Declined || self.is_counted_for_little(key, followed))
                && !self.relations.is_hooked(&relation.table)
                && self.can_be_left_to_the_database(key, followed)),
            (Enforce::Auto, Action::SetValue | Action::Protect | Action::DoNothing | Action::Unknown) => Ok(false),
        }
    }

    /// Where one statement can both delete and count, the database's own cascade and a count are cheaper than deleting the rows first: its
    /// triggers look for every deleted row's references anyway.
    fn is_counted_for_little(&self, key: &ForeignKey, followed: &[ForeignKey]) -> bool {
        let table = &key.relation.table;
        let referencing = followed
            .iter()
            .filter(|other| other.relation.table == *table && self.closure.contains(&other.relation.referenced_table));
        self.shape.backend == Backend::Postgres && key.on_delete == Action::Cascade && referencing.count() == 1
    }

    /// Whether a constraint of the database would delete or change rows that the key says something else about.
    pub(super) fn is_contradicted(&self, key: &ForeignKey) -> bool {
        self.relations.constraints(key).any(|constraint| {
            let refuses = matches!(constraint.on_delete, Action::Restrict | Action::NoAction);
            !refuses && constraint.on_delete != key.on_delete
        })
    }

    /// A constraint that does something else behind our back.
    fn refuse_contradiction(&self, key: &ForeignKey) -> Result<()> {
        if key.on_delete != Action::DoNothing {
            return Ok(());
        }
        match self.relations.constraints(key).next() {
            Some(constraint) => Err(Error::invalid_input(format!(
                "{} cannot do nothing: the database has the constraint {}, which is {} on delete; drop it, or declare what it does",
                key.relation,
                constraint.relation.label(),
                constraint.on_delete
            ))),
            None => Ok(()),
        }
    }

    /// The engine's result does not depend on the order of constraints, and it goes as deep as it must.
    fn can_be_left_to_the_database(&self, key: &ForeignKey, followed: &[ForeignKey]) -> bool {
        let table = &key.relation.table;
        let mixed = followed.iter().any(|other| {
            other.relation.table == *table
                && self.closure.contains(&other.relation.referenced_table)
                && other.on_delete != key.on_delete
        });
        // In a circle we may have to set columns to NULL by which the database would find the rows.
        let circular = graph::components(&self.closure, followed)
            .iter()
            .any(|component| component.contains(table) && component.contains(&key.relation.referenced_table));
        let deep = self.shape.backend == Backend::MySql && self.closure.len() >= DEEPEST_INNODB_CASCADE;
        !mixed && !circular && !deep
    }
}
