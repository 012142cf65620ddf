//! [`Query`]: which rows, in which order, how many, and after which.

use std::fmt;

use sea_orm::sea_query::{Condition, IntoCondition, Value};
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic, ModelTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select};

use super::key::{column_name, key_columns, key_tuple};
use super::{Entity, Key};
use crate::error::{Error, Result};

/// Which rows of an entity, in which order, how many, and after which.
///
/// Rows always come in a defined order: the one asked for, then by primary key.
///
/// ```
/// use entity::post;
/// use sea_orm::{ColumnTrait, Order};
/// use sea_orm_cascade::Query;
///
/// let newest = Query::<post::Entity>::new()
///     .filter(post::Column::Published.eq(true))
///     .order_by(post::Column::CreatedAt, Order::Desc)
///     .limit(20);
/// ```
#[must_use]
pub struct Query<E: Entity> {
    filter: Condition,
    order: Vec<(E::Column, Order)>,
    limit: Option<u64>,
    after: Option<After>,
}

#[derive(Clone)]
enum After {
    Cursor(Cursor),
    Key(Vec<Value>),
}

/// A place between two rows of a [`Query`].
///
/// It holds the values of the row before it. `Debug` does not show them.
#[derive(Clone, PartialEq)]
pub struct Cursor(Vec<Value>);

/// One piece of a query's rows.
pub struct Page<E: Entity> {
    /// The rows.
    pub rows: Vec<E::Model>,
    /// Where the next page begins; `None` if this is the last.
    pub next: Option<Cursor>,
}

impl<E: Entity> Query<E> {
    /// All rows, by primary key.
    pub fn new() -> Self {
        Self {
            filter: Condition::all(),
            order: Vec::new(),
            limit: None,
            after: None,
        }
    }

    /// Only rows that meet this condition too.
    pub fn filter(mut self, condition: impl IntoCondition) -> Self {
        self.filter = self.filter.add(condition.into_condition());
        self
    }

    /// Orders by this column, after those named before.
    pub fn order_by(mut self, column: E::Column, order: Order) -> Self {
        self.order.push((column, order));
        self
    }

    /// At most this many rows.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Only rows behind this place, which a [`Page`] of the same order gave.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(After::Cursor(cursor));
        self
    }

    /// Only rows behind the one with this primary key, for a query ordered by primary key alone: the cursor of a stateless client.
    pub fn after_key(mut self, key: Key<E>) -> Self {
        self.after = Some(After::Key(key_tuple::<E>(key)));
        self
    }

    pub(super) fn row_limit(&self) -> Option<u64> {
        self.limit
    }

    /// The statement.
    pub(super) fn select(&self, pages: Pages) -> Result<Select<E>> {
        let order = self.full_order();
        let mut condition = self.filter.clone();
        if let Some(after) = &self.after {
            condition = condition.add(behind(&order, self.position(after, &order)?));
        }
        if pages == Pages::Follow || self.after.is_some() {
            refuse_nullable::<E>(&order)?;
        }
        let mut select = E::find().filter(condition);
        for (column, direction) in order {
            select = select.order_by(column, direction);
        }
        Ok(select.limit(self.limit))
    }

    /// The place behind this row.
    pub(super) fn cursor(&self, row: &E::Model) -> Cursor {
        Cursor(
            self.full_order()
                .into_iter()
                .map(|(column, _)| row.get(column))
                .collect(),
        )
    }

    fn full_order(&self) -> Vec<(E::Column, Order)> {
        let mut order = self.order.clone();
        for column in key_columns::<E>() {
            if order.iter().all(|(known, _)| known.as_str() != column.as_str()) {
                order.push((column, Order::Asc));
            }
        }
        order
    }

    fn position<'a>(&self, after: &'a After, order: &[(E::Column, Order)]) -> Result<&'a [Value]> {
        match after {
            After::Cursor(Cursor(values)) if values.len() == order.len() => Ok(values),
            After::Cursor(_) => Err(Error::invalid_input(
                "the cursor belongs to a query with another order: use it with the query whose page it came from",
            )),
            After::Key(values) if self.order.is_empty() => Ok(values),
            After::Key(_) => Err(Error::invalid_input(
                "after_key needs a query ordered by primary key alone: use the cursor of the page before",
            )),
        }
    }
}

/// Whether pages of a query will follow one another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pages {
    One,
    Follow,
}

/// `a > x OR (a = x AND b > y) OR …`, with the comparison turned round for descending columns.
fn behind<C: ColumnTrait>(order: &[(C, Order)], values: &[Value]) -> Condition {
    let mut any = Condition::any();
    let mut equal = Condition::all();
    for ((column, direction), value) in order.iter().zip(values) {
        let beyond = match direction {
            Order::Desc => column.lt(value.clone()),
            _ => column.gt(value.clone()),
        };
        any = any.add(equal.clone().add(beyond));
        equal = equal.add(column.eq(value.clone()));
    }
    any
}

/// Engines disagree on where NULL sorts, and no comparison with it is true: a page would lose rows.
fn refuse_nullable<E: EntityTrait>(order: &[(E::Column, Order)]) -> Result<()> {
    match order.iter().find(|(column, _)| column.def().is_null()) {
        Some((column, _)) => Err(Error::invalid_input(format!(
            "pages cannot follow {}, which may be NULL: order by columns that always have a value",
            column_name(column)
        ))),
        None => Ok(()),
    }
}

impl<E: Entity> Default for Query<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Entity> Clone for Query<E> {
    fn clone(&self) -> Self {
        Self {
            filter: self.filter.clone(),
            order: self.order.clone(),
            limit: self.limit,
            after: self.after.clone(),
        }
    }
}

impl<E: Entity> Clone for Page<E> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            next: self.next.clone(),
        }
    }
}

/// The filter's and the cursor's values stay out of it.
impl<E: Entity> fmt::Debug for Query<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("table", &E::default().table_name())
            .field("order", &self.order)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor(<{} values hidden>)", self.0.len())
    }
}

/// Shows how many rows there are, not the rows.
impl<E: Entity> fmt::Debug for Page<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page")
            .field("rows", &self.rows.len())
            .field("next", &self.next)
            .finish()
    }
}
