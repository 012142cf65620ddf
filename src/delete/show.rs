//! How a plan, a preview and a report are shown: as text, JSON, Mermaid and HTML.
//!
//! All of them are one [`View`]: what is counted in it differs. What is drawn is decided in [`outline`], once for every format.
//!
//! # Invariants
//!
//! - Every blocker is shown, whichever keys are left out for having no rows.
//! - What comes from a catalog or from a row is cleaned of what a terminal or a browser would obey.

mod html;
mod json;
mod mermaid;
mod outline;
mod picture;
mod text;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use super::plan::Plan;
use super::preview::Preview;
use super::report::{DeleteReport, TableReport};
use crate::error::Blocker;
use crate::name::TableName;

/// What is known of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing.
    Planned,
    /// What would happen to them.
    Previewed,
    /// What has happened to them.
    Done,
}

/// Something to show.
struct View<'a> {
    plan: &'a Plan,
    state: State,
    roots: u64,
    tables: Cow<'a, [TableReport]>,
    blockers: &'a [Blocker],
    not_counted: &'a [TableName],
}

impl View<'_> {
    /// Whether there may be more rows than these, since counting ended there.
    fn is_capped(&self, rows: u64) -> bool {
        let cap = self.plan.options.cap.filter(|_| self.state == State::Previewed);
        cap.is_some_and(|cap| rows >= cap)
    }

    /// A count, which may be a lower bound.
    fn count(&self, rows: u64) -> String {
        match self.is_capped(rows) {
            true => format!("at least {rows}"),
            false => rows.to_string(),
        }
    }
}

impl Plan {
    fn view(&self) -> View<'_> {
        View {
            plan: self,
            state: State::Planned,
            roots: 0,
            tables: self.tables().into(),
            blockers: &[],
            not_counted: &[],
        }
    }

    /// The plan as a Mermaid flowchart: tables as nodes, keys with their actions as edges. No rows are counted in it; see
    /// [`Preview::to_mermaid`].
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        mermaid::mermaid(&self.view())
    }

    /// The plan as an HTML page; see [`Preview::to_html`].
    #[must_use]
    pub fn to_html(&self) -> String {
        html::html(&self.view())
    }
}

impl Preview {
    fn view(&self) -> View<'_> {
        View {
            plan: self.plan(),
            state: State::Previewed,
            roots: self.roots(),
            tables: self.tables().into(),
            blockers: self.blockers(),
            not_counted: &[],
        }
    }

    /// The preview as JSON with line breaks. The same comes from its `Serialize`.
    ///
    /// ```json
    /// {"format": 1, "done": false, "fingerprint": "…", "enforce": "auto",
    ///  "roots": {"table": "users", "rows": 1, "capped": false},
    ///  "tables": [{"table": "posts", "delete": 3, "set_null": 0, "set_default": 0, "set_value": 0, "dangling": 0, "capped": false,
    ///              "by": [{"foreign_key": "fk-posts-user_id", "action": "cascade", "rows": 3, "by_database": false}]}],
    ///  "blockers": [{"foreign_key": "…", "action": "restrict", "referencing": "invoices", "referenced": "users",
    ///                "rows": 2, "capped": false, "sample": [{"id": 5}]}],
    ///  "not_counted": [], "warnings": [], "statements": ["…"]}
    /// ```
    ///
    /// `tables` is in the order of execution. A key is called by its constraint's name or, where it has none, `posts(user_id)`. A row that
    /// several keys reach counts once in `delete` and once in each `by`. Where `capped` is true, there may be more rows. Integer columns'
    /// values are numbers in a sample, all others text.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::text(&self.view())
    }

    /// The preview as a Mermaid flowchart: tables as nodes with their counts, keys with their actions as edges, what blocks in red.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        mermaid::mermaid(&self.view())
    }

    /// The preview as an HTML page: a picture of the tables with their counts, what blocks in red, the warnings, and the statements, folded
    /// away. The page asks for nothing from elsewhere, has no script, and follows the reader's choice of light or dark.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::html(&self.view())
    }
}

impl DeleteReport {
    fn view(&self) -> View<'_> {
        View {
            plan: &self.plan,
            state: State::Done,
            roots: self.roots,
            tables: self.tables().into(),
            blockers: &[],
            not_counted: &self.not_counted,
        }
    }

    /// The report as JSON, in the form of [`Preview::to_json`], with what was done; the counts of tables in `not_counted` lack what the
    /// database did.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::text(&self.view())
    }

    /// What was done as a Mermaid flowchart; see [`Preview::to_mermaid`].
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        mermaid::mermaid(&self.view())
    }

    /// What was done as an HTML page; see [`Preview::to_html`].
    #[must_use]
    pub fn to_html(&self) -> String {
        html::html(&self.view())
    }
}

/// A tree of the keys that the delete follows, each with its action and what that would do; then the warnings.
///
/// ```
/// use std::sync::Arc;
/// use sea_orm_cascade::Backend;
/// use sea_orm_cascade::delete::{self, DeleteOptions, Relations, Roots};
/// use sea_orm_cascade::schema::Schema;
///
/// let relations = Arc::new(Relations::new(Schema::from_entities(Backend::Sqlite, &entity::entities())?));
/// let plan = delete::plan(&relations, &Roots::written("users", ["17"]), &DeleteOptions::new())?;
/// assert_eq!(plan.to_string(), "\
/// users                      delete by 1 key
/// └─ posts.user_id  cascade  delete");
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::text(&self.view()))
    }
}

/// The tree of the plan with the rows counted; then the warnings, and what it comes to. Below a key that reaches no row nothing is shown; a
/// table that was shown before ends with `…` and is not unfolded again.
///
/// ```text
/// users                               delete 1
/// ├─ audit.actor_id       do nothing  leaves 4 dangling
/// ├─ invoices.user_id     restrict    BLOCKED by 2 rows: id 5, 9
/// └─ posts.user_id        cascade     delete 3
///    ├─ comments.post_id  cascade     delete 12
///    └─ images.post_id    set null    null   7
/// blocked: nothing would be deleted. Delete or re-own the 2 invoices first, or declare another action for invoices.user_id.
/// ```
impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::text(&self.view()))
    }
}

impl Serialize for Preview {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::json(&self.view()).serialize(serializer)
    }
}

impl Serialize for DeleteReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json::json(&self.view()).serialize(serializer)
    }
}
