//! Following relations without a query per row.

use sea_orm::sea_query::IntoCondition;
use sea_orm::{EntityTrait, LoaderTrait, QueryFilter, QueryOrder, Related, RelationDef, Select};

use super::key::{KeyTuple, column_name, key_columns, key_tuple, row_condition};
use super::{Entity, EntityRepository, Key, Query};
use crate::error::Result;
use crate::observe::count;

/// Rows whose related rows are loaded by one statement.
const PARENTS_PER_STATEMENT: usize = 5_000;

impl<E: Entity> EntityRepository<E> {
    /// The rows of `R` related to the row with this key, by `R`'s primary key: "the posts of user 17", in one statement. Empty if
    /// there is no such row.
    ///
    /// Follows the relation the entities declare: either side of a foreign key, or through a junction table.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub async fn related<R>(&self, key: Key<E>) -> Result<Vec<R::Model>>
    where
        R: Entity,
        E: Related<R>,
    {
        let key = key_tuple::<E>(key);
        let work = async {
            let select = related_rows::<E, R>(&key);
            Ok(ordered(select).all(&self.connection).await?)
        };
        self.operation("related").run(work, |rows| count(rows)).await
    }

    /// The rows that meet the condition, each with its related rows of `R`: "users with their posts".
    ///
    /// One statement for the rows and one for every 5,000 of them, however many there are of `R`. Both sides come by primary key.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub async fn with_related<R>(&self, filter: impl IntoCondition + Send) -> Result<Vec<(E::Model, Vec<R::Model>)>>
    where
        R: Entity,
        E: Related<R>,
    {
        let query = Query::new().filter(filter);
        let work = async {
            let rows = self.read_query(&query).await?;
            let mut pairs = Vec::with_capacity(rows.len());
            let mut rows = rows.into_iter();
            loop {
                let some: Vec<_> = rows.by_ref().take(PARENTS_PER_STATEMENT).collect();
                if some.is_empty() {
                    break Ok(pairs);
                }
                let related = some.load_many(ordered(R::find()), &self.connection).await?;
                pairs.extend(some.into_iter().zip(related));
            }
        };
        self.operation("with_related").run(work, |pairs| count(pairs)).await
    }
}

fn ordered<R: EntityTrait>(select: Select<R>) -> Select<R> {
    key_columns::<R>()
        .into_iter()
        .fold(select, |select, column| select.order_by_asc(column))
}

fn related_rows<E, R>(key: &KeyTuple) -> Select<R>
where
    E: EntityTrait + Related<R>,
    R: EntityTrait,
{
    let columns = key_columns::<E>();
    match (E::via(), referencing_columns::<E, R>(&columns, &E::to())) {
        // R references E's primary key: no need to visit E.
        (None, Some(referencing)) => R::find().filter(row_condition(&referencing, key)),
        _ => E::find_related().filter(row_condition(&columns, key)),
    }
}

/// The columns of `R` that reference these columns of `E`, if the relation joins on exactly them.
fn referencing_columns<E: EntityTrait, R: EntityTrait>(
    key: &[E::Column],
    relation: &RelationDef,
) -> Option<Vec<R::Column>> {
    use sea_orm::Iterable;

    if relation.on_condition.is_some() || relation.from_col.arity() != key.len() {
        return None;
    }
    key.iter()
        .map(|column| {
            let name = column_name(column);
            let position = relation
                .from_col
                .iter()
                .position(|from| from.to_string() == name.as_str())?;
            let to = relation.to_col.iter().nth(position)?.to_string();
            R::Column::iter().find(|column| column_name(column).as_str() == to)
        })
        .collect()
}
