//! [`Entities`]: the entities of one data layer, registered once.

use std::fmt;

use sea_orm::sea_query::{ColumnType, IndexCreateStatement, TableCreateStatement};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, Iterable, Schema};

use super::declaration::{Declaration, DeclarationKind, declared_relations, table_name};
use super::foreign_key::{Action, ForeignKey};
use crate::name::TableName;

/// The entities of one data layer.
///
/// ```
/// use entity::{post, user};
/// use sea_orm_cascade::Entities;
///
/// let entities = Entities::new().with(user::Entity).with(post::Entity);
/// let keys: Vec<_> = entities.foreign_keys().map(|key| format!("{} on delete {}", key.relation, key.on_delete)).collect();
/// assert_eq!(keys, ["posts.user_id on delete cascade"]);
/// ```
#[derive(Clone, Default)]
pub struct Entities {
    registered: Vec<Registered>,
}

/// One entity, with its statements still to be made for a backend.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) table: TableName,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    pub(crate) declarations: Vec<Declaration>,
    belonging: Vec<(ForeignKey, Option<Action>)>,
    /// The enums among the columns' types, with their labels.
    pub(crate) enums: fn() -> Vec<(String, Vec<String>)>,
    pub(crate) create_table: fn(DbBackend) -> TableCreateStatement,
    pub(crate) create_indexes: fn(DbBackend) -> Vec<IndexCreateStatement>,
}

impl Entities {
    /// No entities yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entity. An entity whose table is registered already replaces the earlier one.
    #[must_use]
    pub fn with<E: EntityTrait>(mut self, entity: E) -> Self {
        let declared = declared_relations::<E>();
        let registered = Registered {
            table: table_name(&entity.table_ref()),
            foreign_keys: declared
                .iter()
                .filter(|(_, declaration)| declaration.is_constraint)
                .map(|(key, _)| key.clone())
                .collect(),
            belonging: declared
                .iter()
                .filter(|(_, declaration)| declaration.kind == DeclarationKind::BelongsTo)
                .map(|(key, declaration)| (key.clone(), declaration.on_delete))
                .collect(),
            declarations: declared.into_iter().map(|(_, declaration)| declaration).collect(),
            enums: || {
                E::Column::iter()
                    .filter_map(|column| match column.def().get_column_type() {
                        ColumnType::Enum { name, variants } => {
                            Some((name.to_string(), variants.iter().map(ToString::to_string).collect()))
                        }
                        _ => None,
                    })
                    .collect()
            },
            create_table: |backend| Schema::new(backend).create_table_from_entity(E::default()),
            create_indexes: |backend| Schema::new(backend).create_index_from_entity(E::default()),
        };
        match self.registered.iter_mut().find(|known| known.table == registered.table) {
            Some(known) => *known = registered,
            None => self.registered.push(registered),
        }
        self
    }

    /// The tables, in the order of registration.
    pub fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.registered.iter().map(|entity| &entity.table)
    }

    /// The foreign keys the entities declare with `belongs_to`, in the order of registration.
    pub fn foreign_keys(&self) -> impl Iterator<Item = &ForeignKey> {
        self.registered.iter().flat_map(|entity| &entity.foreign_keys)
    }

    /// The keys of every `belongs_to`, constraints or not, each with the action it names for deletes, if it does.
    pub(crate) fn belonging(&self) -> impl Iterator<Item = (ForeignKey, Option<Action>)> {
        let all = self.registered.iter().flat_map(|entity| &entity.belonging);
        all.cloned()
    }

    /// Every relation that every entity declares, on whichever side, in the order of registration.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.registered.iter().flat_map(|entity| &entity.declarations)
    }

    pub(crate) fn registered(&self) -> &[Registered] {
        &self.registered
    }
}

impl fmt::Debug for Entities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tables().map(TableName::to_string)).finish()
    }
}
