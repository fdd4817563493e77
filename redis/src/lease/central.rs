//! One bucket in a store, as a node asks it.

use tollgate::Nanos;

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
        let key = self.key.clone();
        let call = self.rule.take_up_to(key, least, most, Time::Server);
        let answer = self.rule.answer(most, &self.store.run(&call).await?)?;
        let full_at = answer.status().map_or(Nanos::ZERO, |status| status.quotas()[0].reset_at);
        Ok(Reply { granted: answer.granted(), full_in: full_at.saturating_duration_since(answer.at()) })
    }
}
