//! Entities whose two sides do not fit.

use sea_orm_cascade::Entities;

/// Has a capital and cities, and says on the wrong side what becomes of them.
mod country {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "countries")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub(super) id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {
        #[sea_orm(has_one = "super::capital::Entity")]
        Capital,
        #[sea_orm(has_many = "super::city::Entity", on_delete = "Cascade", on_update = "Cascade")]
        Cities,
        /// By a column that cities do not call a reference.
        #[sea_orm(
            has_many = "super::city::Entity",
            from = "Column::Id",
            to = "super::city::Column::FoundedBy"
        )]
        Founded,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod capital {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "capitals")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub(super) id: i64,
        pub(super) country_id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {
        #[sea_orm(
            belongs_to = "super::country::Entity",
            from = "Column::CountryId",
            to = "super::country::Column::Id"
        )]
        Country,
    }

    impl Related<super::country::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Country.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod city {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "cities")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub(super) id: i64,
        pub(super) country_id: i64,
        pub(super) founded_by: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {
        #[sea_orm(
            belongs_to = "super::country::Entity",
            from = "Column::CountryId",
            to = "super::country::Column::Id",
            on_update = "Cascade"
        )]
        Country,
    }

    impl Related<super::country::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Country.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A street in a city, which does not know of streets.
mod street {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "streets")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub(super) id: i64,
        pub(super) city_id: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {
        #[sea_orm(
            belongs_to = "super::city::Entity",
            from = "Column::CityId",
            to = "super::city::Column::Id",
            on_delete = "SetDefault"
        )]
        City,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Which streets a city claims: a junction, whose ends need not know of it.
mod claim {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "claims")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) street_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) city_id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {
        #[sea_orm(
            belongs_to = "super::street::Entity",
            from = "Column::StreetId",
            to = "super::street::Column::Id",
            on_delete = "Cascade"
        )]
        Street,
        #[sea_orm(
            belongs_to = "super::city::Entity",
            from = "Column::CityId",
            to = "super::city::Column::Id",
            on_delete = "Cascade"
        )]
        City,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// All of them.
pub(super) fn entities() -> Entities {
    Entities::new()
        .with(country::Entity)
        .with(capital::Entity)
        .with(city::Entity)
        .with(street::Entity)
        .with(claim::Entity)
}
