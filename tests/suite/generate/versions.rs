//! A small shop's entities as they were at each of eleven moments.

use sea_orm_cascade::Entities;

/// The versions, oldest first.
pub(super) fn versions() -> [Entities; 11] {
    let v0 = Entities::new().with(author::v0::Entity).with(book::v0::Entity);
    let v1 = v0.clone().with(review::v1::Entity);
    let v2 = v1.clone().with(book::v2::Entity);
    let v3 = v2.clone().with(book::v3::Entity);
    let v4 = v3.clone().with(author::v4::Entity).with(book::v4::Entity);
    let v5 = v4.clone().with(author::v5::Entity);
    let v6 = v5.clone().with(book::v6::Entity);
    let v7 = v6.clone().with(author::v7::Entity);
    let v8 = v7.clone().with(author::v8::Entity);
    let v9 = v8.clone().with(team::v9::Entity).with(player::v9::Entity);
    // Reviews are ratings now.
    let v10 = Entities::new()
        .with(author::v8::Entity)
        .with(book::v6::Entity)
        .with(team::v9::Entity)
        .with(player::v9::Entity)
        .with(rating::v10::Entity);
    [v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10]
}

/// An entity of one version: its table, its columns, and the keys it has.
macro_rules! entity {
    (
        $version:ident, $table:literal,
        { $($(#[$attribute:meta])* $column:ident: $kind:ty,)* },
        { $($(#[$key:meta])* $relation:ident,)* }
    ) => {
        pub(crate) mod $version {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub(crate) struct Model {
                #[sea_orm(primary_key)]
                pub(crate) id: i64,
                $($(#[$attribute])* pub(crate) $column: $kind,)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub(crate) enum Relation {
                $($(#[$key])* $relation,)*
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

mod author {
    entity!(v0, "authors", {
        #[sea_orm(column_type = "String(StringLen::N(80))")]
        name: String,
        email: Option<String>,
        legacy: Option<String>,
    }, {});
    // The email is required.
    entity!(v4, "authors", {
        #[sea_orm(column_type = "String(StringLen::N(80))")]
        name: String,
        email: String,
        legacy: Option<String>,
    }, {});
    // A name may be longer.
    entity!(v5, "authors", {
        #[sea_orm(column_type = "String(StringLen::N(200))")]
        name: String,
        email: String,
        legacy: Option<String>,
    }, {});
    // No two have the same email.
    entity!(v7, "authors", {
        #[sea_orm(column_type = "String(StringLen::N(200))")]
        name: String,
        #[sea_orm(unique)]
        email: String,
        legacy: Option<String>,
    }, {});
    // What nobody uses is gone.
    entity!(v8, "authors", {
        #[sea_orm(column_type = "String(StringLen::N(200))")]
        name: String,
        #[sea_orm(unique)]
        email: String,
    }, {});
}

mod book {
    entity!(v0, "books", {
        title: String,
        #[sea_orm(column_type = "Text")]
        summary: String,
        #[sea_orm(default_value = 0)]
        pages: i32,
    }, {});
    // Every book has an author.
    entity!(v2, "books", {
        title: String,
        #[sea_orm(column_type = "Text")]
        summary: String,
        #[sea_orm(default_value = 0)]
        pages: i32,
        author_id: i64,
    }, {
        #[sea_orm(belongs_to = "super::super::author::v0::Entity", from = "Column::AuthorId", to = "super::super::author::v0::Column::Id", on_delete = "Cascade")]
        Author,
    });
    // An author who has books stays.
    entity!(v3, "books", {
        title: String,
        #[sea_orm(column_type = "Text")]
        summary: String,
        #[sea_orm(default_value = 0)]
        pages: i32,
        author_id: i64,
    }, {
        #[sea_orm(belongs_to = "super::super::author::v0::Entity", from = "Column::AuthorId", to = "super::super::author::v0::Column::Id")]
        Author,
    });
    // A book need not have a summary.
    entity!(v4, "books", {
        title: String,
        #[sea_orm(column_type = "Text", nullable)]
        summary: Option<String>,
        #[sea_orm(default_value = 0)]
        pages: i32,
        author_id: i64,
    }, {
        #[sea_orm(belongs_to = "super::super::author::v4::Entity", from = "Column::AuthorId", to = "super::super::author::v4::Column::Id")]
        Author,
    });
    // Books are found by their title.
    entity!(v6, "books", {
        #[sea_orm(indexed)]
        title: String,
        #[sea_orm(column_type = "Text", nullable)]
        summary: Option<String>,
        #[sea_orm(default_value = 0)]
        pages: i32,
        author_id: i64,
    }, {
        #[sea_orm(belongs_to = "super::super::author::v5::Entity", from = "Column::AuthorId", to = "super::super::author::v5::Column::Id")]
        Author,
    });
}

mod review {
    entity!(v1, "reviews", {
        book_id: i64,
        stars: i32,
        #[sea_orm(column_type = "Text")]
        body: String,
        #[sea_orm(default_expr = "Expr::current_timestamp()")]
        written_at: DateTimeUtc,
    }, {
        #[sea_orm(belongs_to = "super::super::book::v0::Entity", from = "Column::BookId", to = "super::super::book::v0::Column::Id", on_delete = "Cascade")]
        Book,
    });
}

mod rating {
    entity!(v10, "ratings", {
        book_id: i64,
        stars: i32,
        #[sea_orm(column_type = "Text")]
        comment: String,
        #[sea_orm(default_expr = "Expr::current_timestamp()")]
        written_at: DateTimeUtc,
    }, {
        #[sea_orm(belongs_to = "super::super::book::v6::Entity", from = "Column::BookId", to = "super::super::book::v6::Column::Id", on_delete = "Cascade")]
        Book,
    });
}

/// A team has a captain, who is a player, who is in a team.
mod team {
    entity!(v9, "teams", {
        #[sea_orm(unique)]
        name: String,
        captain_id: Option<i64>,
    }, {
        #[sea_orm(belongs_to = "super::super::player::v9::Entity", from = "Column::CaptainId", to = "super::super::player::v9::Column::Id", on_delete = "SetNull")]
        Captain,
    });
}

mod player {
    entity!(v9, "players", {
        name: String,
        team_id: i64,
    }, {
        #[sea_orm(belongs_to = "super::super::team::v9::Entity", from = "Column::TeamId", to = "super::super::team::v9::Column::Id", on_delete = "Cascade")]
        Team,
    });
}
