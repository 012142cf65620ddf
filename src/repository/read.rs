//! Reading: by key, by query, page by page.

use std::collections::{HashMap, HashSet, VecDeque};

use futures_util::{Stream, stream};
use sea_orm::sea_query::{Condition, Expr, Func, Query as SqlQuery};
use sea_orm::{ConnectionTrait, QueryFilter};

use super::key::{KeyTuple, key_columns, key_of_model, keys_condition, row_condition};
use super::query::Pages;
use super::{Cursor, Entity, EntityRepository, Page, Query};
use crate::connection::Connection;
use crate::error::Result;

/// Keys asked for in one statement: far below every bind limit for a key of one column, and enough that round trips do not matter.
const KEYS_PER_STATEMENT: usize = 10_000;

/// Rows of a page nobody gave a size.
const ROWS_PER_PAGE: u64 = 50;

/// Rows a stream holds at once.
const ROWS_PER_STREAM_PAGE: u64 = 1_000;

impl<E: Entity> EntityRepository<E> {
    pub(super) async fn read_one(&self, key: KeyTuple) -> Result<Option<E::Model>> {
        let condition = row_condition(&key_columns::<E>(), &key);
        Ok(E::find().filter(condition).one(&self.connection).await?)
    }

    pub(super) async fn read_many(&self, keys: Vec<KeyTuple>) -> Result<Vec<E::Model>> {
        let mut seen = HashSet::with_capacity(keys.len());
        let keys: Vec<KeyTuple> = keys.into_iter().filter(|key| seen.insert(key.clone())).collect();
        drop(seen);
        let backend = self.connection.backend();
        let columns = key_columns::<E>().len().max(1);
        let per_statement = KEYS_PER_STATEMENT.min(backend.capability().bind_limit / columns);
        let mut rows = Vec::with_capacity(keys.len());
        for keys in keys.chunks(per_statement) {
            let found = E::find()
                .filter(keys_condition::<E>(backend, keys))
                .all(&self.connection)
                .await?;
            let mut found: HashMap<_, _> = found.into_iter().map(|row| (key_of_model::<E>(&row), row)).collect();
            rows.extend(keys.iter().filter_map(|key| found.remove(key)));
        }
        Ok(rows)
    }

    pub(super) async fn read_query(&self, query: &Query<E>) -> Result<Vec<E::Model>> {
        Ok(query.select(Pages::One)?.all(&self.connection).await?)
    }

    pub(super) async fn read_page(&self, query: Query<E>) -> Result<Page<E>> {
        let limit = query.row_limit().unwrap_or(ROWS_PER_PAGE);
        // One more than asked for tells whether another page follows.
        let query = query.limit(limit.saturating_add(1));
        let mut rows = query.select(Pages::Follow)?.all(&self.connection).await?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(|last| query.cursor(last));
        Ok(Page { rows, next })
    }

    pub(super) fn read_stream(&self, query: Query<E>) -> impl Stream<Item = Result<E::Model>> + Send + '_ {
        let state = Reading {
            left: query.row_limit(),
            query: Some(query),
            rows: VecDeque::new(),
        };
        stream::try_unfold(state, move |mut state| async move {
            if state.rows.is_empty() {
                self.read_ahead(&mut state).await?;
            }
            Ok(state.rows.pop_front().map(|row| (row, state)))
        })
    }

    async fn read_ahead(&self, state: &mut Reading<E>) -> Result<()> {
        let Some(query) = state.query.take() else {
            return Ok(());
        };
        let limit = state.left.unwrap_or(u64::MAX).min(ROWS_PER_STREAM_PAGE);
        let work = self.read_page(query.clone().limit(limit));
        let page = self
            .operation("stream")
            .run(work, |page| crate::observe::count(&page.rows))
            .await?;
        state.left = state.left.map(|left| left.saturating_sub(limit));
        state.query = page
            .next
            .filter(|_| state.left != Some(0))
            .map(|next: Cursor| query.after(next));
        state.rows = page.rows.into();
        Ok(())
    }

    pub(super) async fn read_count(&self, filter: Condition) -> Result<u64> {
        count_rows::<E>(&self.connection, filter).await
    }

    pub(super) async fn read_exists(&self, filter: Condition) -> Result<bool> {
        let select = SqlQuery::select()
            .expr(Expr::val(1))
            .from(E::default().table_ref())
            .cond_where(filter)
            .limit(1)
            .take();
        Ok(self.connection.query_one(&select).await?.is_some())
    }
}

/// What a stream has read and not yet given out, and how it goes on.
struct Reading<E: Entity> {
    query: Option<Query<E>>,
    left: Option<u64>,
    rows: VecDeque<E::Model>,
}

/// How many rows of an entity meet a condition.
pub(super) async fn count_rows<E: Entity>(connection: &Connection, filter: Condition) -> Result<u64> {
    let select = SqlQuery::select()
        .expr(Func::count(Expr::val(1)))
        .from(E::default().table_ref())
        .cond_where(filter)
        .take();
    let counted: i64 = match connection.query_one(&select).await? {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    Ok(u64::try_from(counted).unwrap_or(0))
}
