//! Entities for what the tutorial's two do not have: composite keys, many-to-many, self references, diamonds, SET NULL, RESTRICT.

use sea_orm_cascade::Entities;

/// A table with a composite primary key.
pub(crate) mod seat {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "seats")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) line: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) place: String,
        pub(crate) taken_by: Option<String>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A ticket references a seat by both columns.
pub(crate) mod ticket {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tickets")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) line: i32,
        pub(crate) place: String,
        #[sea_orm(belongs_to, from = "(line, place)", to = "(line, place)", on_delete = "Restrict")]
        pub(crate) seat: HasOne<super::seat::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Folders in folders: a self reference that cascades.
pub(crate) mod folder {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "folders")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) parent_id: Option<i64>,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            from = "parent_id",
            to = "id",
            on_delete = "Cascade"
        )]
        pub(crate) parent: HasOne<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A file is in a folder, and may have a cover and an origin: two more keys, one of them SET NULL.
pub(crate) mod file {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "files")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) folder_id: i64,
        pub(crate) origin_id: Option<i64>,
        #[sea_orm(
            belongs_to,
            relation_enum = "Folder",
            from = "folder_id",
            to = "id",
            on_delete = "Cascade"
        )]
        pub(crate) folder: HasOne<super::folder::Entity>,
        #[sea_orm(
            belongs_to,
            relation_enum = "Origin",
            from = "origin_id",
            to = "id",
            on_delete = "SetNull"
        )]
        pub(crate) origin: HasOne<super::folder::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A link between two files: a diamond below a folder.
pub(crate) mod link {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "links")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) from_id: i64,
        pub(crate) to_id: i64,
        #[sea_orm(
            belongs_to,
            relation_enum = "From",
            from = "from_id",
            to = "id",
            on_delete = "Cascade"
        )]
        pub(crate) from: HasOne<super::file::Entity>,
        #[sea_orm(belongs_to, relation_enum = "To", from = "to_id", to = "id", on_delete = "Cascade")]
        pub(crate) to: HasOne<super::file::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Films and actors, many to many.
pub(crate) mod film {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "films")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) title: String,
        #[sea_orm(unique)]
        pub(crate) code: i32,
        #[sea_orm(default_value = 3)]
        pub(crate) stars: i32,
        #[sea_orm(has_many, via = "role")]
        pub(crate) actors: HasMany<super::actor::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The other side.
pub(crate) mod actor {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "actors")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) name: String,
        #[sea_orm(has_many, via = "role")]
        pub(crate) films: HasMany<super::film::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The junction.
pub(crate) mod role {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "roles")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) film_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) actor_id: i64,
        #[sea_orm(belongs_to, from = "film_id", to = "id", on_delete = "Cascade")]
        pub(crate) film: HasOne<super::film::Entity>,
        #[sea_orm(belongs_to, from = "actor_id", to = "id", on_delete = "Cascade")]
        pub(crate) actor: HasOne<super::actor::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// All of them, referencing tables first: the order of registration must not matter.
pub(crate) fn entities() -> Entities {
    Entities::new()
        .with(ticket::Entity)
        .with(seat::Entity)
        .with(link::Entity)
        .with(file::Entity)
        .with(folder::Entity)
        .with(role::Entity)
        .with(film::Entity)
        .with(actor::Entity)
}
