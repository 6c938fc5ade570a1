//! Who gets in, and what they prove: accounts, passwords, second factors.

use super::*;

#[test]
fn au2_nobody_signs_in_without_the_second_factor() {
    let mut house = House::new();
    let setup = house.setup();
    let shown = house.account(&setup, "ada", AdminRole::Administrator);
    assert_eq!(house.sign_in("ada", PASSWORD, None).unwrap_err(), ManagerErrorCode::SecondFactorNeeded);
    let wrong =
        |name, password, code: &str| house.sign_in(name, password, Some(code.to_owned())).unwrap_err();
    assert_eq!(wrong("ada", PASSWORD, "123"), ManagerErrorCode::WrongCredentials);
    let code = house.one_time_password(&shown);
    assert_eq!(wrong("ada", "wrong horse battery", &code), ManagerErrorCode::WrongCredentials);
    assert_eq!(wrong("eve", PASSWORD, &code), ManagerErrorCode::WrongCredentials);
    let opened = house.sign_in(" Ada ", PASSWORD, Some(code.clone())).unwrap();
    assert_eq!(house.who(&opened), Who::Account { name: "ada".into(), role: AdminRole::Administrator });
    assert_eq!(wrong("ada", PASSWORD, &code), ManagerErrorCode::WrongCredentials, "a code is used once");
    house.sign_in("ada", PASSWORD, Some(shown.recovery_codes[0].clone())).unwrap();
    assert_eq!(wrong("ada", PASSWORD, &shown.recovery_codes[0]), ManagerErrorCode::WrongCredentials);
}

#[test]
fn au2_of_two_with_the_same_code_at_once_one_gets_in() {
    let mut house = House::new();
    let setup = house.setup();
    let shown = house.account(&setup, "ada", AdminRole::Administrator);
    let code = house.one_time_password(&shown);
    let entered = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| house.sign_in("ada", PASSWORD, Some(code.clone())).is_ok()))
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok().filter(|entered| *entered)).count()
    });
    assert_eq!(entered, 1);
}

#[test]
fn au2_an_account_opens_after_its_first_code() {
    let house = House::new();
    let typed = NewAccount { name: "ada".into(), password: PASSWORD.into(), role: AdminRole::Administrator };
    let shown = house.manager.create_account(&house.setup(), &typed, "box", house.now()).unwrap();
    let code = Some(house.one_time_password(&shown));
    assert_eq!(house.sign_in("ada", PASSWORD, code).unwrap_err(), ManagerErrorCode::WrongCredentials);
    let info = house.manager.info(None).unwrap();
    assert!(info.setup_open && !info.has_administrator && info.csrf_token.is_none());
}

#[test]
fn the_last_administrator_stays() {
    let (mut house, ada, bob) = House::ready();
    let last = house.manager.remove_account(&ada, "ada", house.now());
    assert_eq!(code_of(last), ManagerErrorCode::LastAdministrator);
    house.account(&ada, "carl", AdminRole::Administrator);
    let left = house.manager.remove_account(&ada, "ada", house.now()).unwrap();
    let names = |accounts: &[AccountInfo]| accounts.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&left), ["bob", "carl"]);
    assert_eq!(house.events(&bob)[0], AuditEvent::AccountRemoved);
    assert_eq!(house.sign_in("ada", PASSWORD, None).unwrap_err(), ManagerErrorCode::WrongCredentials);
}

#[test]
fn two_administrators_cannot_remove_each_other_at_once() {
    let mut house = House::new();
    let setup = house.setup();
    for name in ["ada", "eve"] {
        house.account(&setup, name, AdminRole::Administrator);
    }
    house.manager.finish_setup(&setup, house.now()).unwrap();
    let administrator = |name: &str| Who::Account { name: name.into(), role: AdminRole::Administrator };
    let (manager, now, both) = (&house.manager, house.now(), std::sync::Barrier::new(2));
    let remove = |by: &str, whom: &str| {
        both.wait();
        manager.remove_account(&administrator(by), whom, now).is_ok()
    };
    let removed = std::thread::scope(|scope| {
        let eve = scope.spawn(|| remove("ada", "eve"));
        [remove("eve", "ada"), eve.join().unwrap()]
    });
    assert_eq!(removed.into_iter().filter(|done| *done).count(), 1);
    assert_eq!(manager.administrators().unwrap(), 1);
}

#[test]
fn au8_a_changed_password_signs_out_everywhere() {
    let mut house = House::new();
    let setup = house.setup();
    let shown = house.account(&setup, "ada", AdminRole::Administrator);
    let opened = house.sign_in("ada", PASSWORD, Some(house.one_time_password(&shown))).unwrap();
    let ada = house.who(&opened);
    let typed = |old: &str, new: &str| NewPassword { old: old.into(), new: new.into() };
    let wrong = house.manager.change_password(&ada, &typed("wrong", "another long one"), house.now());
    assert_eq!(code_of(wrong), ManagerErrorCode::WrongCredentials);
    let weak = house.manager.change_password(&ada, &typed(PASSWORD, "short"), house.now());
    assert_eq!(code_of(weak), ManagerErrorCode::WeakPassword);
    house.manager.change_password(&ada, &typed(PASSWORD, "another long one"), house.now()).unwrap();
    assert_eq!(house.manager.current(Some(opened.token.expose()), true, house.now()), None);
    house.seconds += 60;
    let code = Some(house.one_time_password(&shown));
    assert_eq!(house.sign_in("ada", PASSWORD, code.clone()).unwrap_err(), ManagerErrorCode::WrongCredentials);
    house.sign_in("ada", "another long one", code).unwrap();
}

#[test]
fn au2_whoever_gets_a_new_device_proves_the_former_one() {
    let (mut house, _, bob, device) = House::with_device();
    house.seconds += 60;
    let sign_in = |house: &House, device| {
        let opened = house.sign_in("ada", PASSWORD, Some(house.one_time_password(device))).unwrap();
        (house.who(&opened), opened.token.expose().to_owned())
    };
    let (ada, elsewhere) = sign_in(&house, &device);
    house.seconds += 60;
    let (_, here) = sign_in(&house, &device);
    house.seconds += 60;
    let ask = |house: &House, who: &Who, token: &str, password: &str, code: &str| {
        let typed = RenewSecondFactor { password: password.into(), code: code.into() };
        house.manager.renew_second_factor(who, token, &typed, "box", house.now())
    };
    let confirm = |house: &House, token: &str, code: &str| {
        house.manager.confirm_second_factor(&ada, token, code, house.now())
    };
    let code = house.one_time_password(&device);
    assert_eq!(
        code_of(ask(&house, &Who::Setup, &here, PASSWORD, &code).map(drop)),
        ManagerErrorCode::NotAllowed
    );
    for (password, code) in [("wrong", &*code), (PASSWORD, "000000"), (PASSWORD, "")] {
        let refused = ask(&house, &ada, &here, password, code).map(drop);
        assert_eq!(code_of(refused), ManagerErrorCode::WrongCredentials, "{password} {code}");
    }
    assert_eq!(code_of(confirm(&house, &here, &code)), ManagerErrorCode::Conflict, "nothing was shown");
    // Whoever has lost the device has the codes.
    let shown = ask(&house, &ada, &here, PASSWORD, &device.recovery_codes[0]).unwrap();
    let fresh = house.one_time_password(&shown);
    assert_eq!(code_of(confirm(&house, &elsewhere, &fresh)), ManagerErrorCode::Conflict, "shown elsewhere");
    assert_eq!(code_of(confirm(&house, &here, &code)), ManagerErrorCode::WrongCredentials);
    let of = |token: &str| house.manager.current(Some(token), true, house.now());
    let left = |token: &str| house.manager.info(of(token).as_ref()).unwrap().account.unwrap();
    assert_eq!(left(&here).recovery_codes_left, 9, "the former one still holds");
    confirm(&house, &here, &fresh).unwrap();
    assert_eq!(left(&here).recovery_codes_left, 10);
    assert_eq!(of(&elsewhere), None);
    assert_eq!(code_of(confirm(&house, &here, &fresh)), ManagerErrorCode::Conflict, "once");
    let replaced = [AuditEvent::SecondFactorReplaced, AuditEvent::SecondFactorShown];
    assert_eq!(house.events(&bob)[..2], replaced);
    house.seconds += 60;
    for former in [house.one_time_password(&device), device.recovery_codes[1].clone(), fresh] {
        let refused = house.sign_in("ada", PASSWORD, Some(former)).unwrap_err();
        assert_eq!(refused, ManagerErrorCode::WrongCredentials);
    }
    sign_in(&house, &shown);
    house.sign_in("ada", PASSWORD, Some(shown.recovery_codes[0].clone())).unwrap();
}

#[test]
fn au8_a_factory_reset_is_for_an_administrator_who_proves_it_again() {
    let (mut house, ada, bob, device) = House::with_device();
    let used = house.one_time_password(&device);
    house.seconds += 60;
    let order = |host_name: &str, password: &str, code: &str| FactoryReset {
        host_name: host_name.into(),
        password: password.into(),
        code: code.into(),
    };
    let code = house.one_time_password(&device);
    let ordered = |who: &Who, order| house.manager.allow_factory_reset(who, &order, house.now());
    assert_eq!(code_of(ordered(&bob, order("plenum", PASSWORD, &code))), ManagerErrorCode::NotAllowed);
    assert_eq!(code_of(ordered(&Who::Setup, order("plenum", PASSWORD, &code))), ManagerErrorCode::NotAllowed);
    assert_eq!(code_of(ordered(&ada, order("another", PASSWORD, &code))), ManagerErrorCode::Malformed);
    for (password, code) in [("wrong", &code), (PASSWORD, &used), (PASSWORD, &String::new())] {
        let refused = ordered(&ada, order("plenum", password, code));
        assert_eq!(code_of(refused), ManagerErrorCode::WrongCredentials, "{password} {code}");
    }
    assert_eq!(house.events(&bob)[..3], [AuditEvent::SignInFailed; 3]);
    ordered(&ada, order(" Plenum ", PASSWORD, &code)).unwrap();
    assert_eq!(house.events(&bob)[0], AuditEvent::FactoryReset);
    let again = ordered(&ada, order("plenum", PASSWORD, &code));
    assert_eq!(code_of(again), ManagerErrorCode::WrongCredentials, "its code is used up");
    let resets = house.events(&bob).into_iter().filter(|event| *event == AuditEvent::FactoryReset);
    assert_eq!(resets.count(), 1);
}
