//! [`Typed`]: the hooks of one entity.

use std::any::Any;
use std::sync::Arc;

use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{
    ActiveModelBehavior, ColumnTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, IdenStatic, IntoActiveModel,
    Iterable, ModelTrait, PrimaryKeyToColumn, QueryResult, Value,
};

use super::{Batch, BoxError, Boxed, DeleteHook, Going, Hooked, TableHooks, Told};
use crate::backend::Backend;
use crate::error::Result;
use crate::name::ColumnName;

type Call<E> = Arc<dyn Fn(Batch<E>) -> Boxed<'static, Result<(), BoxError>> + Send + Sync>;

/// The hooks of one entity, in the order in which they were added.
pub(super) struct Typed<E: Hooked> {
    before: Vec<Call<E>>,
    after: Vec<Call<E>>,
    behaves: bool,
}

impl<E: Hooked> Default for Typed<E> {
    fn default() -> Self {
        Self {
            before: Vec::new(),
            after: Vec::new(),
            behaves: false,
        }
    }
}

impl<E: Hooked> Clone for Typed<E> {
    fn clone(&self) -> Self {
        Self {
            before: self.before.clone(),
            after: self.after.clone(),
            behaves: self.behaves,
        }
    }
}

impl<E: Hooked> Typed<E> {
    pub(super) fn add_before<F: DeleteHook<E>>(&mut self, hook: F) {
        self.before.push(call(hook));
    }

    pub(super) fn add_after<F: DeleteHook<E>>(&mut self, hook: F) {
        self.after.push(call(hook));
    }

    pub(super) const fn behave(&mut self) {
        self.behaves = true;
    }
}

fn call<E: Hooked, F: DeleteHook<E>>(hook: F) -> Call<E> {
    Arc::new(move |batch| {
        let called = hook(batch);
        Box::pin(async move { called.await.map_err(Into::into) })
    })
}

fn key<E: EntityTrait>() -> impl Iterator<Item = E::Column> {
    E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column)
}

impl<E: Hooked> TableHooks for Typed<E> {
    fn columns(&self, backend: Backend, prefix: &str, of_h: &[ColumnName]) -> String {
        let mut select = Query::select();
        for column in E::Column::iter() {
            let name = column.as_str();
            let alias = if of_h.iter().any(|known| known.as_str() == name) {
                "h"
            } else {
                "x"
            };
            // As SeaORM selects it: an enum of PostgreSQL's as text.
            let value = column.select_as(Expr::col((Alias::new(alias), Alias::new(name))));
            select.expr_as(value, Alias::new(format!("{prefix}{name}")));
        }
        let statement = DbBackend::from(backend).build(&select);
        statement.sql.trim_start_matches("SELECT ").to_owned()
    }

    fn read(&self, rows: &[QueryResult], prefix: &str) -> Result<Box<dyn Going>> {
        let models: Result<Vec<E::Model>, DbErr> = rows
            .iter()
            .map(|row| E::Model::from_query_result(row, prefix))
            .collect();
        Ok(Box::new(Rows::<E> {
            hooks: self.clone(),
            models: models?.into(),
            active: Vec::new(),
        }))
    }

    fn key(&self) -> Vec<ColumnName> {
        key::<E>().map(|column| ColumnName::new(column.as_str())).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Rows<E: Hooked> {
    hooks: Typed<E>,
    models: Arc<[E::Model]>,
    /// What `before_delete` returned, for `after_delete`.
    active: Vec<E::ActiveModel>,
}

impl<E: Hooked> Rows<E> {
    fn batch(&self, told: &Told) -> Batch<E> {
        Batch::new(Arc::clone(&self.models), told.clone())
    }
}

impl<E: Hooked> Going for Rows<E> {
    fn keys(&self) -> Vec<Vec<Value>> {
        let models = self.models.iter();
        models
            .map(|model| key::<E>().map(|column| model.get(column)).collect())
            .collect()
    }

    fn value(&self, row: usize, column: &ColumnName) -> Option<Value> {
        let column = E::Column::iter().find(|known| known.as_str() == column.as_str())?;
        Some(self.models.get(row)?.get(column))
    }

    fn before<'a>(&'a mut self, told: &'a Told) -> Boxed<'a, Result<(), BoxError>> {
        Box::pin(async move {
            for hook in &self.hooks.before {
                hook(self.batch(told)).await?;
            }
            if self.hooks.behaves {
                for model in self.models.iter() {
                    let row = model.clone().into_active_model();
                    let row = ActiveModelBehavior::before_delete(row, &told.connection).await?;
                    self.active.push(row);
                }
            }
            Ok(())
        })
    }

    fn after<'a>(&'a mut self, told: &'a Told) -> Boxed<'a, Result<(), BoxError>> {
        Box::pin(async move {
            for row in std::mem::take(&mut self.active) {
                ActiveModelBehavior::after_delete(row, &told.connection).await?;
            }
            for hook in &self.hooks.after {
                hook(self.batch(told)).await?;
            }
            Ok(())
        })
    }
}
