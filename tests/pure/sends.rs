//! Every future of the public API can move between threads, also where closures and borrowed values are in it.

use entity::{post, user};
use sea_orm::{ColumnTrait, Condition};
use sea_orm_cascade::delete::{DeleteOptions, Roots};
use sea_orm_cascade::diff::DiffOptions;
use sea_orm_cascade::migrate::{Alteration, Hints};
use sea_orm_cascade::orphans::{self, Mode, Repair, Search};
use sea_orm_cascade::schema::{ForeignKey, Schema};
use sea_orm_cascade::{Error, Query, Repository, RepositoryExt, Store, introspect, lint};

fn sends<T: Send>(_: T) {}

#[test]
fn all_of_them() {
    // Compiling it is the test.
    let _: fn(&'static Store, &'static str, &'static [String]) = every_future;
    let _: fn(&'static Store, &'static Schema, &'static ForeignKey, &'static Search, &'static Repair) =
        those_about_orphans;
}

fn every_future(store: &Store, url: &str, names: &[String]) {
    let schema = Schema::new(store.backend());
    sends(Store::connect(url, entity::entities()));
    sends(store.create_all());
    sends(async move { store.diff(&DiffOptions::new()).await });
    sends(store.introspect());
    sends(async move { store.generate_migration(&Hints::new(), &DiffOptions::new()).await });
    sends(async move {
        Alteration::new("posts")
            .drop_column("title")
            .run(store.connection())
            .await
    });
    sends(introspect::foreign_keys(store.connection()));
    sends(lint::facts(store.connection(), &schema));
    sends(introspect::schema(store.connection(), &introspect::Scope::Own));
    sends(async move {
        let (users, posts) = (store.repository::<user::Entity>(), store.repository::<post::Entity>());
        users.related::<post::Entity>(17).await?;
        users.with_related::<post::Entity>(Condition::all()).await?;
        users.find_many(vec![1]).await?;
        users.page(Query::new()).await?;
        posts
            .insert_many(names.iter().map(|name| post::new(17, name, "…")))
            .await?;
        posts.update_many(post::Column::Id.eq(1), post::owner(18)).await?;
        users.delete(17).await
    });
    sends(store.transaction(async |tx| {
        for name in names {
            tx.repository::<user::Entity>().insert(user::new(name, "h")).await?;
        }
        tx.transaction(async |inner| Ok::<_, Error>(inner.backend())).await
    }));
    sends(async move {
        let plan = store
            .plan_delete(&Roots::written("users", ["1"]), &DeleteOptions::new())
            .await?;
        plan.preview(store).await?.execute(store).await?;
        plan.execute(store.connection()).await
    });
    sends(migration::run(store, migration::Command::Status));
}

fn those_about_orphans(store: &Store, schema: &Schema, key: &ForeignKey, search: &Search, repair: &Repair) {
    let connection = store.connection();
    sends(orphans::find(connection, schema, key, search));
    sends(orphans::find_all(connection, schema, 10));
    sends(orphans::repair(connection, schema, key, repair, Mode::Apply));
}
