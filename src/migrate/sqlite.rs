use super::situation::Situation;
use super::*;
use crate::connection::Connection;
use crate::error::Result;
use crate::schema::ForeignKey;
pub(super) fn steps(_s: &Situation, _r: &RequiredForeignKey) -> Result<Vec<super::steps::Standing>> {
    Ok(Vec::new())
}
pub(super) async fn done(_c: &Connection, _r: &RequiredForeignKey, _k: &ForeignKey) -> Result<bool> {
    Ok(true)
}
pub(super) async fn run(_c: &Connection, _r: &RequiredForeignKey, _k: &ForeignKey) -> Result<u64> {
    Ok(0)
}
pub(super) async fn revert(_c: &Connection, _r: &RequiredForeignKey, _k: &ForeignKey, _h: Revert) -> Result<()> {
    Ok(())
}
