//! One bucket in a store, as a node asks it.

use super::drive::Central;
use super::node::Reply;
use super::terms::{Leases, LeasesError};
use crate::{Rule, Store, StoreError, Time};

pub(crate) struct Keyed<S> {
    store: S,
    key: Vec<u8>,
    rule: Rule,
}

impl<S> Keyed<S> {
    pub(crate) fn new(store: S, key: Vec<u8>, leases: &Leases) -> Result<Keyed<S>, LeasesError> {
        Ok(Keyed { store, key, rule: Rule::planned(*leases.plan())? })
    }
}

impl<S: Store + 'static> Central for Keyed<S> {
    async fn take(&self, least: u32, most: u32) -> Result<Reply, StoreError> {
        // A rule of a plan always leases.
        let call = self.rule.lease(self.key.clone(), least, most, Time::Server);
        let call = call.ok_or_else(StoreError::unexpected_reply)?;
        let (granted, full_in) = Rule::leased(&self.store.run(&call).await?)?;
        Ok(Reply { granted: granted.min(most), full_in })
    }
}
