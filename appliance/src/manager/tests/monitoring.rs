use super::*;
use plenum_protocol::manager::{HistoryKind, HistoryRange, MailSettings, Problem};

#[test]
fn a_restart_keeps_what_the_box_was_like() {
    let (mut house, ada, bob) = House::ready();
    // Two hours, with a break of one minute in the second.
    for minute in 0..120u64 {
        house.seconds = 57_600 + minute * 60;
        if minute != 90 {
            let values = HistoryKind::ALL.map(|_| Some(minute as f32));
            house.manager.keep_sample(values, house.now()).unwrap();
        }
    }
    let house = house.restart();
    let cpu = |range| {
        let history = house.manager.history(&ada, range, house.now()).unwrap();
        let end = history.begin + u64::from(history.step) * history.series[0].values.len() as u64;
        let now = house.now().unix_seconds();
        assert!(end > now && end <= now + u64::from(history.step), "{range:?}");
        assert_eq!(history.series.len(), HistoryKind::ALL.len());
        history.series[0].values.clone()
    };
    let day = cpu(HistoryRange::Day);
    assert_eq!((day.len(), day[1_439], day[1_439 - 29], day[0]), (1_440, Some(119.0), None, None));
    assert_eq!(day.iter().flatten().count(), 119);
    let week = cpu(HistoryRange::Week);
    assert_eq!((week.len(), week.iter().flatten().count()), (672, 8));
    assert_eq!(week[671], Some(112.0), "the mean of 105 to 119");
    let month = cpu(HistoryRange::Month);
    assert_eq!((month.len(), month.iter().flatten().count()), (720, 2));
    let refused = house.manager.history(&bob, HistoryRange::Day, house.now()).map(|_| ());
    assert_eq!(code_of(refused), ManagerErrorCode::NotAllowed);
}

#[test]
fn the_history_is_two_rings() {
    let (mut house, ada, _) = House::ready();
    for day in 0..3u64 {
        for hour in 0..24u64 {
            house.seconds = 57_600 + (day * 24 + hour) * 3_600;
            let values = HistoryKind::ALL.map(|_| Some(day as f32));
            house.manager.keep_sample(values, house.now()).unwrap();
        }
    }
    let day = house.manager.history(&ada, HistoryRange::Day, house.now()).unwrap();
    let known: Vec<f32> = day.series[0].values.iter().flatten().copied().collect();
    assert_eq!(known, [2.0; 24], "what is older than a day has given way");
    let week = house.manager.history(&ada, HistoryRange::Week, house.now()).unwrap();
    assert_eq!(week.series[0].values.iter().flatten().count(), 72);
    // The clock was wrong, and is set back.
    house.seconds = 57_600;
    let day = house.manager.history(&ada, HistoryRange::Day, house.now()).unwrap();
    assert_eq!(day.series[0].values.iter().flatten().count(), 0);
}

#[test]
fn problems_that_were_mailed_are_known_after_a_restart() {
    let house = House::new();
    let setup = house.setup();
    let wanted = MailSettings {
        server: "mail.example.org".into(),
        sender: "plenum@example.org".into(),
        recipients: vec!["it@example.org".into()],
        ..MailSettings::default()
    };
    house.manager.set_mail(&setup, wanted, house.now()).unwrap();
    assert!(house.manager.notice_relay().unwrap().is_none(), "nothing is reported during the set-up");
    let told = [Problem::NoAddress, Problem::UnitFailed { unit: "plenum-web.service".into() }];
    house.manager.keep_told_problems(&told, house.now()).unwrap();
    assert_eq!(house.restart().manager.told_problems().unwrap(), told);
    let (house, ada, _) = House::ready();
    let nobody = MailSettings {
        server: "mail.example.org".into(),
        sender: "plenum@example.org".into(),
        ..MailSettings::default()
    };
    let kept = house.manager.set_mail(&ada, nobody, house.now()).unwrap();
    assert!(house.manager.notice_relay().unwrap().is_none(), "nobody wants any");
    let wanted = MailSettings { recipients: vec!["it@example.org".into()], ..kept };
    house.manager.set_mail(&ada, wanted, house.now()).unwrap();
    assert!(house.manager.notice_relay().unwrap().is_some());
}
