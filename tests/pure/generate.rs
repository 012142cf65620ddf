//! Migrations written from two schemas: what the ten of `tests/suite/generate` have not.

use sea_orm_cascade::Entities;
use sea_orm_cascade::diff::{DiffOptions, diff};
use sea_orm_cascade::migrate::{Generated, Hints, generate};
use sea_orm_cascade::schema::Schema;

mod desk {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "height")]
    pub(crate) enum Height {
        #[sea_orm(string_value = "low")]
        Low,
        #[sea_orm(string_value = "high")]
        High,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "desks")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) room: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) place: i32,
        pub(crate) height: Height,
        #[sea_orm(default_value = "it's \"oak\"")]
        pub(crate) made_of: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod person {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "people")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i32,
        #[sea_orm(column_type = "String(StringLen::N(40))")]
        pub(crate) name: String,
        #[sea_orm(unique_key = "badge")]
        pub(crate) country: String,
        #[sea_orm(unique_key = "badge")]
        pub(crate) badge: i32,
        pub(crate) room: Option<i32>,
        pub(crate) place: Option<i32>,
        #[sea_orm(
            belongs_to,
            from = "(room, place)",
            to = "(room, place)",
            on_delete = "SetNull",
            on_update = "Cascade"
        )]
        pub(crate) desk: HasOne<super::desk::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const LIVE: &str = "\
backend postgres

table badges
  id: bigint, not null, identity by default
  person_id: integer, not null
  primary key (id)
  index (person_id), as idx-badges-person_id
  foreign key (person_id) references people (id), on delete cascade, as fk-badges-person_id

table people
  id: integer, not null, identity by default
  name: character varying, not null
  country: character varying, not null
  badge: integer, not null
  boss_id: integer
  shoe: numeric(4,1), not null, default 39.5
  primary key (id)
  index (boss_id), as idx-people-boss_id
  index (lower(name)), as people_lower
  foreign key (boss_id) references people (id), on delete set null, as fk-people-boss_id
";

fn generated(hints: &Hints) -> Result<Generated, sea_orm_cascade::Error> {
    let entities = Entities::new().with(desk::Entity).with(person::Entity);
    let live = Schema::parse(LIVE)?.normalised();
    let wanted = Schema::from_entities(live.backend, &entities)?.normalised();
    let found = diff(&live, &wanted, &DiffOptions::new());
    Ok(generate(&live, &wanted, &found, &entities, hints)?.expect("there is something to do"))
}

#[test]
fn what_is_lost_is_commented_out_and_what_cannot_be_said_is_left_to_a_person() {
    let generated = generated(&Hints::new()).expect("it can be generated");
    insta::assert_snapshot!(generated.source);
    insta::assert_snapshot!(generated.notes.join("\n"));
}

#[test]
fn a_composite_key_is_filled_by_an_expression_for_each_column() {
    let one = Hints::new().backfill("people.room=1").expect("it can be read");
    let refused = generated(&one).expect_err("one is missing");
    assert!(refused.to_string().contains("give a backfill for each"), "{refused}");
    let both = one.backfill("people.place=id % 10").expect("it can be read");
    let source = generated(&both).expect("it can be generated").source;
    assert!(
        source.contains(".backfill(Backfill::sqls([\"1\", \"id % 10\"]))"),
        "{source}"
    );
}

#[test]
fn a_hint_that_fits_nothing_is_refused() {
    let hints = Hints::new().backfill("people.name=1").expect("it can be read");
    let refused = generated(&hints).expect_err("no key is on it");
    assert!(refused.to_string().contains("nothing to fill"), "{refused}");
}

/// Two tables whose names and columns come to the same words.
mod same_words {
    pub(crate) mod post {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "posts")]
        pub(crate) struct Model {
            #[sea_orm(primary_key)]
            pub(crate) id: i32,
            pub(crate) a_b: Option<i32>,
            #[sea_orm(belongs_to, from = "a_b", to = "id")]
            pub(crate) desk: HasOne<super::parcel::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(crate) mod post_a {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "posts_a")]
        pub(crate) struct Model {
            #[sea_orm(primary_key)]
            pub(crate) id: i32,
            #[sea_orm(default_value = 1)]
            pub(crate) b: i32,
            #[sea_orm(belongs_to, from = "b", to = "id")]
            pub(crate) desk: HasOne<super::parcel::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(crate) mod parcel {
        use sea_orm::entity::prelude::*;

        #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
        #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "state")]
        pub(crate) enum State {
            #[sea_orm(string_value = "new")]
            New,
            #[sea_orm(string_value = "it's lost")]
            Lost,
            #[sea_orm(string_value = "gone")]
            Gone,
        }

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "parcels")]
        pub(crate) struct Model {
            #[sea_orm(primary_key)]
            pub(crate) id: i32,
            pub(crate) state: State,
            pub(crate) label: Option<Vec<u8>>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

/// What is written for the entities of `same_words`.
fn for_same_words(live: &str) -> Generated {
    use same_words::{parcel, post, post_a};
    let entities = Entities::new()
        .with(parcel::Entity)
        .with(post::Entity)
        .with(post_a::Entity);
    let live = Schema::parse(live).expect("it can be read").normalised();
    let wanted = Schema::from_entities(live.backend, &entities)
        .expect("they can be had")
        .normalised();
    let found = diff(&live, &wanted, &DiffOptions::new());
    let generated = generate(&live, &wanted, &found, &entities, &Hints::new()).expect("it can be generated");
    generated.expect("there is something to do")
}

#[test]
fn functions_of_the_same_words_have_names_of_their_own_and_a_default_is_a_value() {
    let generated = for_same_words(
        "\
backend postgres

type state: enum 'new', 'it''s lost', 'gone'

table parcels
  id: integer, not null, identity by default
  state: state, not null
  label: bytea
  primary key (id)

table posts
  id: integer, not null, identity by default
  primary key (id)

table posts_a
  id: integer, not null, identity by default
  primary key (id)
",
    );
    insta::assert_snapshot!(generated.source);
}

const PARCELS: &str = "\
backend BACKEND

table parcels
  id: integer, not null, identity by default
  state: STATE, not null
  primary key (id)

table posts
  id: integer, not null, identity by default
  a_b: integer
  primary key (id)
  index (a_b), as idx-posts-a_b
  foreign key (a_b) references parcels (id), as fk-posts-a_b

table posts_a
  id: integer, not null, identity by default
  b: integer, not null, default 1
  primary key (id)
  index (b), as idx-posts_a-b
  foreign key (b) references parcels (id), as fk-posts_a-b
";

#[test]
fn a_label_more_is_no_loss_and_bytes_are_of_every_engine_s_type() {
    let postgres = PARCELS.replace("BACKEND", "postgres").replace("STATE", "state");
    let live = postgres.replacen("\n\n", "\n\ntype state: enum 'new', 'gone'\n\n", 1);
    let generated = for_same_words(&live);
    insta::assert_snapshot!(generated.source);
    assert_eq!(generated.notes, Vec::<String>::new());
    // Labels that go away are for a person.
    let live = live.replace("'gone'", "'sold'");
    let note = for_same_words(&live).notes.join("\n");
    insta::assert_snapshot!(note, @"change type state: (new, sold) to (new, it's lost, gone): write that by hand, since a label that goes away or moves needs a new type, and a decision about the rows that have it");

    let mysql = PARCELS
        .replace("BACKEND", "mysql")
        .replace("integer", "int")
        .replace("identity by default", "auto increment")
        .replace("STATE", "enum('it''s lost','gone')");
    let generated = for_same_words(&mysql);
    assert_eq!(generated.notes, Vec::<String>::new());
    let down = generated.source.split("async fn down").nth(1).unwrap_or_default();
    assert!(
        down.contains(r#".enumeration("state", ["it's lost", "gone"])"#),
        "{down}"
    );
}

#[test]
fn a_key_s_two_ends_change_without_it_on_mysql() {
    let live = "\
backend postgres

type state: enum 'new', 'it''s lost', 'gone'

table parcels
  id: smallint, not null, identity by default
  state: state, not null
  label: bytea
  primary key (id)

table posts
  id: integer, not null, identity by default
  a_b: smallint
  primary key (id)
  index (a_b), as idx-posts-a_b
  foreign key (a_b) references parcels (id), as fk-posts-a_b

table posts_a
  id: integer, not null, identity by default
  b: integer, not null, default 1
  primary key (id)
  index (b), as idx-posts_a-b
";
    insta::assert_snapshot!(for_same_words(live).source);
}
