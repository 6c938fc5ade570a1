//! The box at a glance, and orders to it.

use super::extract::Session;
use super::{Answer, Api, Body, answer};
use crate::manager::{Refused, administers, name_of, sets_up};
use crate::self_test;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use plenum_protocol::manager::{
    FactoryReset, HostKey, KeyNoted, Overview, PowerAction, PowerAnswer, PowerOrder, RecoveryKey, StepCheck,
    UpdateAction, UpdateOrder, UpdatePart,
};

impl Api {
    /// The machine, and what is stored of it, for administrators and for the box itself.
    pub(crate) async fn overview(&self) -> Result<Overview, Refused> {
        let asked = self.call(|manager, now| {
            let left = manager.seconds_to_confirm(now);
            Ok((manager.host_name()?, left, manager.acme_state(now)?, manager.setup_code()?.is_none()))
        });
        let (name, left, acme, in_use) = asked.await?;
        let mut overview = self.machine.overview(name, left, acme).await;
        overview.last_backup = self.backups.newest(self.now());
        if in_use {
            overview.problems.extend(self.backups.problems());
        }
        Ok(overview)
    }
}

pub(super) async fn overview(State(api): State<Api>, Session(who): Session) -> Answer {
    administers(&who)?;
    Ok(answer(StatusCode::OK, &api.overview().await?))
}

/// That it was shown is in the audit log before it is.
pub(super) async fn recovery_key(State(api): State<Api>, Session(who): Session) -> Answer {
    sets_up(&who)?;
    let key = api.machine.recovery_key();
    if key.is_some() {
        api.call(move |manager, now| manager.note_recovery_key(&who, false, now)).await?;
    }
    Ok(answer(StatusCode::OK, &RecoveryKey { key }))
}

pub(super) async fn take_recovery_key(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<KeyNoted>,
) -> Answer {
    let Json(KeyNoted { last_part }) = body?;
    sets_up(&who)?;
    api.machine.take_recovery_key(&last_part).await?;
    api.call(move |manager, now| manager.note_recovery_key(&who, true, now)).await?;
    Ok(answer(StatusCode::OK, &RecoveryKey { key: None }))
}

pub(super) async fn host_key(State(api): State<Api>, Session(who): Session) -> Answer {
    api.call(move |manager, now| manager.note_host_key(&who, now)).await?;
    Ok(answer(StatusCode::OK, &HostKey { key: api.machine.host_key().await }))
}

/// Unless people meet, or it is to happen all the same.
pub(super) async fn power(State(api): State<Api>, Session(who): Session, body: Body<PowerOrder>) -> Answer {
    let Json(PowerOrder { action, now: at_once }) = body?;
    administers(&who)?;
    let people = api.machine.people(at_once).await?;
    let done = at_once || people == 0;
    if done {
        api.call(move |manager, now| manager.note_power(&who, action == PowerAction::Restart, now)).await?;
        api.machine.power(action).await?;
    }
    Ok(answer(StatusCode::OK, &PowerAnswer { done, people }))
}

/// Once who orders it has proved who they are. Nobody is waited for: the answer says how many meet.
pub(super) async fn factory_reset(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<FactoryReset>,
) -> Answer {
    let Json(order) = body?;
    administers(&who)?;
    api.machine.appliance()?;
    let people = api.machine.people(true).await?;
    api.call(move |manager, now| manager.allow_factory_reset(&who, &order, now)).await?;
    api.machine.reset_to_factory().await?;
    Ok(answer(StatusCode::OK, &PowerAnswer { done: true, people }))
}

pub(super) async fn self_test(State(api): State<Api>, Session(who): Session) -> Answer {
    let wanted = api.call(move |manager, now| manager.what_to_test(&who, now)).await?;
    Ok(answer(StatusCode::OK, &self_test::run(&api.machine, &wanted).await))
}

/// What a step of the set-up has stored.
pub(super) async fn check_step(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<StepCheck>,
) -> Answer {
    let Json(StepCheck { step }) = body?;
    let wanted = api.call(move |manager, now| manager.what_to_test(&who, now)).await?;
    Ok(answer(StatusCode::OK, &self_test::step(&api.machine, &wanted, step).await))
}

pub(super) async fn update(State(api): State<Api>, Session(who): Session, body: Body<UpdateOrder>) -> Answer {
    let Json(order) = body?;
    administers(&who)?;
    let updates = api.machine.updates()?;
    api.call(move |manager, now| manager.note_update(name_of(&who), order.action, now)).await?;
    let state = updates.order(order).await?;
    Ok(answer(StatusCode::OK, &state))
}

pub(super) async fn update_file(
    State(api): State<Api>,
    Session(who): Session,
    body: Body<UpdatePart>,
) -> Answer {
    let Json(part) = body?;
    administers(&who)?;
    let updates = api.machine.updates()?;
    if part.first == 0 {
        api.call(move |manager, now| manager.note_update(name_of(&who), UpdateAction::Install, now)).await?;
    }
    let state = updates.take(part).await?;
    Ok(answer(StatusCode::OK, &state))
}
