//! [`Lost`]: changes that lose something, which are written for a person to uncomment.

use super::super::file::Block;
use super::super::rust::{Argument, Chain};
use super::super::words;
use super::{Changing, Edit, run};

/// A change that loses something.
pub(super) struct Lost {
    pub(super) edit: Edit,
    pub(super) reason: String,
    pub(super) back: String,
    pub(super) note: String,
}

impl Changing<'_, '_> {
    /// What is for a person to uncomment, with what goes along.
    pub(super) fn lose(&mut self, lost: Lost) {
        let Lost {
            edit,
            reason,
            back,
            note,
        } = lost;
        let new = |edit: (&'static str, Argument)| {
            // It is imported only if something else uses it.
            let head = format!(
                "sea_orm_cascade::migrate::Alteration::new({})",
                words::written(&self.to.name)
            );
            run(Chain::new(head).call(edit.0, [edit.1]))
        };
        let (up, down) = (new(edit.up), new(edit.down));
        self.file.note(note);
        self.file
            .step(Block::commented(up).remark(reason), Block::commented(down).remark(back));
    }
}
