//! [`Registry`]: what the stores of one database share beside their connection.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use crate::connection::Connection;
use crate::delete::{self, Calls, Check, DeleteOptions, Guards, Hooks, Plan, Relations, Roots};
use crate::error::Result;
use crate::introspect::{self, Scope};
use crate::name::TableName;
use crate::overlay::Overlay;
use crate::schema::Entities;

/// The entities, what an overlay adds to them, and the catalog as it was when it was last needed.
#[derive(Default)]
pub(crate) struct Registry {
    pub(crate) entities: Entities,
    overlay: Option<Overlay>,
    hooks: RwLock<Hooks>,
    known: RwLock<Option<Arc<Known>>>,
}

/// What was read from the catalog, and the plans made from it.
struct Known {
    relations: Arc<Relations>,
    /// The connection's own schema, which the names of its tables leave out.
    own: Option<String>,
    plans: RwLock<BTreeMap<TableName, Plan>>,
}

impl Registry {
    pub(crate) fn new(entities: Entities, overlay: Option<Overlay>) -> Self {
        Self {
            entities,
            overlay,
            hooks: RwLock::default(),
            known: RwLock::new(None),
        }
    }

    /// The same entities and hooks with an overlay.
    pub(crate) fn overlaid(&self, overlay: Overlay) -> Self {
        Self {
            hooks: RwLock::new(self.hooks()),
            ..Self::new(self.entities.clone(), Some(overlay))
        }
    }

    fn hooks(&self) -> Hooks {
        self.hooks.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds hooks. Plans that were made without them are forgotten.
    pub(crate) fn hook(&self, add: impl FnOnce(&mut Hooks)) {
        add(&mut self.hooks.write().unwrap_or_else(PoisonError::into_inner));
        self.forget();
    }

    /// Who is called for rows that go. The catalog is read only if there are hooks.
    pub(crate) async fn calls(self: &Arc<Self>, connection: &Connection) -> Result<Calls> {
        let hooks = self.hooks();
        if hooks.is_empty() {
            return Ok(Calls::none());
        }
        let known = self.known(connection).await?;
        let within: Arc<Self> = Arc::clone(self);
        Ok(hooks.named(|table| known.canonical(table)).calls(within))
    }

    /// Forgets what is known of the catalog.
    pub(crate) fn forget(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The keys that deletes follow: the catalog's, with what the entities declare and the overlay says.
    pub(crate) async fn relations(&self, connection: &Connection) -> Result<Arc<Relations>> {
        Ok(Arc::clone(&self.known(connection).await?.relations))
    }

    /// The keys of a table that have a guard. The catalog is read only if the overlay names one.
    pub(crate) async fn guards(&self, connection: &Connection, table: &TableName) -> Result<Guards> {
        if !self.overlay.as_ref().is_some_and(|overlay| overlay.guards(table)) {
            return Ok(Guards::none(connection.backend()));
        }
        let known = self.known(connection).await?;
        Ok(Guards::of(&known.relations, &known.canonical(table)))
    }

    async fn known(&self, connection: &Connection) -> Result<Arc<Known>> {
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return Ok(Arc::clone(known));
        }
        let mut schemas: Vec<String> = Vec::new();
        let keys = introspect::foreign_keys(connection).await?;
        let referencing = keys
            .iter()
            .flat_map(|key| [&key.relation.table, &key.relation.referenced_table]);
        for table in referencing.chain(self.entities.tables()) {
            if let Some(schema) = table.schema()
                && !schemas.iter().any(|known| known == schema)
            {
                schemas.push(schema.to_owned());
            }
        }
        let own = introspect::own_schema(connection).await?;
        let mut relations = Relations::read(connection, &Scope::OwnAnd(schemas))
            .await?
            .declared(&self.entities);
        if let Some(overlay) = &self.overlay {
            relations = relations.overlaid(overlay)?;
        }
        let mut known = Known {
            relations: Arc::new(relations),
            own,
            plans: RwLock::default(),
        };
        let hooked: Vec<_> = self.hooks().tables().map(|table| known.canonical(table)).collect();
        if !hooked.is_empty() {
            known.relations = Arc::new(Arc::unwrap_or_clone(known.relations).hooked(hooked));
        }
        let known = Arc::new(known);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }

    /// The plan to delete rows of a table by their primary key. The catalog is read the first time, or if it does not know the table.
    pub(crate) async fn plan(&self, connection: &Connection, roots: &Roots) -> Result<Plan> {
        let mut known = self.known(connection).await?;
        if known
            .relations
            .schema()
            .table(&known.canonical(roots.table()))
            .is_none()
        {
            self.forget();
            known = self.known(connection).await?;
        }
        let roots = roots.clone().of(known.canonical(roots.table()));
        let cached = known
            .plans
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(roots.table())
            .cloned();
        if let Some(plan) = cached {
            return plan.with_roots(&roots);
        }
        // The catalog was read by ourselves, and is read again if the database refuses.
        let options = DeleteOptions::new().check(Check::Nothing);
        let plan = delete::plan(&known.relations, &roots, &options)?;
        let mut plans = known.plans.write().unwrap_or_else(PoisonError::into_inner);
        plans.insert(roots.table().clone(), plan.clone());
        Ok(plan)
    }
}

impl Known {
    fn canonical(&self, table: &TableName) -> TableName {
        match self.own.is_some() && table.schema() == self.own.as_deref() {
            true => TableName::new(table.name()),
            false => table.clone(),
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("entities", &self.entities)
            .finish_non_exhaustive()
    }
}
