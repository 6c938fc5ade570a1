// What a box in use answers, for the pictures of the manual (scripts/pictures.js): names, addresses and keys are
// examples (RFC 2606, RFC 5737), and the clock stands.

import type {
  About,
  AccountInfo,
  BackupKey,
  BackupSettings,
  BackupState,
  CertificateInfo,
  CertificateState,
  Clock,
  History,
  HistoryKind,
  HostKey,
  HostName,
  Institution,
  LinkInfo,
  LogLine,
  LogPage,
  MailSettings,
  MetricsAccess,
  NetworkSettings,
  NetworkState,
  Overview,
  RecoveryKey,
  SessionInfo,
  SetupStep,
  SyslogSettings,
  SyslogState,
  TimeSettings,
  UpdateSource,
} from '../generated/protocol'

export const ORIGIN = 'https://konferenz.example.org'
/** Milliseconds since 1970. */
export const NOW = Date.UTC(2026, 8, 14, 12, 26)

const NAME = 'konferenz.example.org'
const HOUR = 3_600_000
const DAY = 24 * HOUR
const VERSION = '0.1.0'
const STEPS: SetupStep[] = ['restore', 'network', 'time', 'name', 'institution', 'mail', 'updates', 'test']

const signedIn: SessionInfo = {
  setup_open: false,
  has_administrator: true,
  in_setup: false,
  steps_done: STEPS,
  account: { name: 'ada@example.org', role: 'administrator', recovery_codes_left: 9 },
  csrf_token: 'example',
  idle_seconds_left: 1_800,
  seconds_left: 36_000,
}

/** The set-up before `step`. */
function settingUp(step: SetupStep | 'code' | 'finish'): SessionInfo {
  const done = step === 'code' ? [] : step === 'finish' ? STEPS : STEPS.slice(0, STEPS.indexOf(step))
  return {
    setup_open: true,
    has_administrator: step === 'finish',
    in_setup: step !== 'code',
    steps_done: done,
    account: null,
    csrf_token: step === 'code' ? null : 'example',
    idle_seconds_left: step === 'code' ? null : 1_800,
    seconds_left: step === 'code' ? null : 36_000,
  }
}

const certificate: CertificateInfo = {
  subject: NAME,
  issuer: 'Example Trust, Server CA 2',
  names: [NAME],
  not_before: Date.UTC(2026, 7, 3) / 1_000,
  not_after: Date.UTC(2026, 10, 1) / 1_000,
  fingerprint: Array.from({ length: 32 }, (_, index) => ((index * 89 + 44) % 256).toString(16).padStart(2, '0'))
    .join(':')
    .toUpperCase(),
}

const network: NetworkState = {
  ports: [{ name: 'enp1s0', mac: '00:00:5e:00:53:01', carrier: true, speed: 1_000 }],
  addresses: ['192.0.2.10', '2001:db8::10'],
  seconds_left: null,
  applies: true,
  problem: '',
  proposed: null,
}

const clock: Clock = { now: NOW, synchronized: true }

const overview: Overview = {
  version: VERSION,
  host_name: NAME,
  local_name: 'konferenz.local',
  uptime: (12 * DAY + 5 * HOUR) / 1_000,
  problems: [],
  meetings: { rooms: 3, people: 41, known: true },
  capacity: 150,
  disk: { total: 236e9, free: 211e9 },
  last_backup: NOW - 7 * HOUR,
  clock,
  network,
  certificate,
  update: {
    state: 'idle',
    target: '',
    done: 0,
    of: 0,
    available: '0.2.0',
    last: 'good',
    last_version: VERSION,
    last_reason: '',
    reasons: [],
  },
}

/** Two busy hours of a working day, by minutes. */
function history(): History {
  const minutes = 24 * 60
  const busy = (minute: number, at: number) => Math.exp(-(((minute - at * 60) / 70) ** 2))
  const load = (minute: number) => {
    const ripple = 1 + 0.05 * Math.sin(minute / 7) + 0.03 * Math.sin(minute / 2.3)
    return (busy(minute, 19) + 0.75 * busy(minute, 22)) * ripple
  }
  const shapes: Record<HistoryKind, (load: number, minute: number) => number> = {
    cpu: (load, minute) => 2 + 31 * load + Math.sin(minute / 3),
    network_in: (load) => 20_000 + 46e6 * load,
    network_out: (load) => 30_000 + 260e6 * load,
    packets_in: (load) => 12 + 5_200 * load,
    packets_out: (load) => 15 + 29_000 * load,
    people: (load) => Math.round(58 * load),
    meetings: (load) => Math.ceil(4 * load - 0.05),
    loss: (load, minute) => Math.max(0, 0.35 * load * (1 + Math.sin(minute / 5))),
    disk: (_, minute) => 10.4 + minute / 40_000,
  }
  return {
    begin: NOW / 1_000 - minutes * 60,
    step: 60,
    series: Object.entries(shapes).map(([kind, value]) => ({
      kind: kind as HistoryKind,
      values: Array.from({ length: minutes }, (_, minute) => value(load(minute), minute)),
    })),
  }
}

const networkSettings: NetworkSettings = {
  revision: 1,
  ports: [],
  bond: null,
  vlan: null,
  ipv4: { mode: 'dhcp' },
  ipv6: { mode: 'automatic' },
  dns: [],
  domains: [],
  proxy: '',
  public_addresses: [],
  proxy_except: [],
}

const line = (minutesAgo: number, unit: string, text: string, priority: LogLine['priority'] = 'info'): LogLine => ({
  at: NOW - minutesAgo * 60_000,
  unit: `${unit}.service`,
  priority,
  text,
})

const logs: LogPage = {
  lines: [
    line(191, 'plenum-sfu', 'ready port=10000 threads=4'),
    line(190, 'plenum-signaling', 'restored rooms=27 meetings=0 seats=0'),
    line(189, 'plenum-turn', 'relaying to the SFU peers=2'),
    line(188, 'plenum-web', 'listening address=[::]:443'),
    line(64, 'plenum-appliance', 'a backup was made'),
    line(41, 'systemd-timesyncd', 'Timed out waiting for reply from 192.0.2.123:123 (time.example.org).', 'warning'),
    line(40, 'systemd-timesyncd', 'Contacted time server 192.0.2.124:123 (time.example.org).'),
    line(9, 'plenum-signaling', 'meeting started meeting=4'),
  ],
  cursor: '',
  units: ['plenum-appliance', 'plenum-sfu', 'plenum-signaling', 'plenum-turn', 'plenum-web', 'systemd-timesyncd'].map(
    (unit) => `${unit}.service`,
  ),
}

const backup: BackupState = {
  key: 'noted',
  key_number: '7c31',
  files: [0, 1, 2, 3].map((day) => ({
    name: `konferenz-202609${14 - day}T020000Z.backup`,
    made: Date.UTC(2026, 8, 14 - day, 2, 0),
    bytes: 48_200 - day * 310,
    version: VERSION,
    key_number: '7c31',
  })),
  problem: '',
  last_test: {
    at: Date.UTC(2026, 8, 14, 2, 0),
    name: 'konferenz-20260914T020000Z.backup',
    accounts: 3,
    settings: 7,
    rooms: 27,
    problem: '',
  },
}

const account = (name: string, role: AccountInfo['role'], hours: number): AccountInfo => ({
  name,
  role,
  confirmed: true,
  recovery_codes_left: 10,
  created: NOW - 90 * DAY,
  last_sign_in: NOW - hours * HOUR,
})

/** By path below `/api/`; any other is not found. */
const answers = {
  about: { version: VERSION, protocol: 1, host_key_needed: true } satisfies About,
  link: { title: 'Workshop', role: 'guest', people: 2 } satisfies LinkInfo,
  'box/session': signedIn,
  'box/overview': overview,
  'box/clock': clock,
  'box/network': network,
  'box/certificate': {
    kind: 'acme',
    shown: certificate,
    request: null,
    acme: { phase: 'good', next: Date.UTC(2026, 9, 2) / 1_000, until: certificate.not_after, failure: null },
  } satisfies CertificateState,
  'box/history/day': history(),
  'box/metrics-access': { open: false } satisfies MetricsAccess,
  'box/logs': logs,
  'box/backup': backup,
  'box/recovery-key': {
    key: 'bcdefghi-jklnrtuv-cbdhfgei-tnkjlrvu-egibcdhf-rtjuklnv-hgfcdbie-vulnrtkj',
  } satisfies RecoveryKey,
  'box/backup/key': { key: 'K7WM2-4QXFA-9TRHC-6PDNV-3JYGE-8SLBU', key_number: '7c31' } satisfies BackupKey,
  'box/host-key': { key: 'example' } satisfies HostKey,
  'box/accounts': [
    account('ada@example.org', 'administrator', 1),
    account('bert@example.org', 'administrator', 30),
    account('clara@example.org', 'auditor', 170),
  ],
  'box/settings/institution': {
    revision: 1,
    name: 'Unfallversicherung Nord',
    imprint: 'https://www.example.org/impressum',
    privacy: 'https://www.example.org/datenschutz',
    data_protection_officer: 'datenschutz@example.org',
    colour: '',
    logo: '',
  } satisfies Institution,
  'box/settings/host_name': { revision: 1, host_name: NAME } satisfies HostName,
  'box/settings/time': { revision: 1, servers: ['time.example.org'] } satisfies TimeSettings,
  'box/settings/network': networkSettings,
  'box/settings/update': {
    revision: 1,
    source: 'https://updates.example.org/plenum',
    authorities: '',
    restart_window: '01:00-03:30',
    channel: 'stable',
    automatic: false,
  } satisfies UpdateSource,
  'box/settings/mail': {
    revision: 1,
    server: 'mail.example.org',
    port: 465,
    encryption: 'tls',
    user: 'plenum',
    password: '',
    has_password: true,
    sender: 'plenum@example.org',
    authorities: '',
    recipients: ['it@example.org'],
  } satisfies MailSettings,
  'box/settings/syslog': {
    revision: 1,
    server: 'logs.example.org',
    port: 6514,
    authorities: '',
  } satisfies SyslogSettings,
  'box/syslog': { enabled: true, connected: true, sent: 1284, problem: '' } satisfies SyslogState,
  'box/settings/backup': { revision: 1, daily_at: '02:00', keep: 14 } satisfies BackupSettings,
}

export type Answers = Partial<Record<keyof typeof answers, unknown>>

interface Picture {
  name: string
  path: string
  /** What is there once the picture can be taken: `data-testid`. */
  shows: string
  answers: Answers
}

const picture = (name: string, path: string, shows: string, others: Answers = {}): Picture => ({
  name,
  path,
  shows,
  answers: { ...answers, ...others },
})

/** A box that nobody has set up has no institution yet. */
const nobody: Institution = {
  revision: 0,
  name: '',
  imprint: '',
  privacy: '',
  data_protection_officer: '',
  colour: '',
  logo: '',
}
const inSetup = (step: Parameters<typeof settingUp>[0]): Answers => ({
  'box/session': settingUp(step),
  'box/settings/institution': nobody,
})

export const pictures: Picture[] = [
  picture('setup-code', '/setup', 'setup-code', inSetup('code')),
  picture('setup-network', '/setup', 'network-save', inSetup('network')),
  picture('setup-finish', '/setup', 'recovery-key', inSetup('finish')),
  picture('join', '/join#kZr2vQ8mT1xB5yLd', 'join-button'),
  picture('overview', '/admin#overview', 'restart'),
  picture('updates', '/admin#updates', 'update-check'),
  picture('backup', '/admin#backup', 'backup-row'),
  picture('certificate', '/admin#name', 'certificate-shown'),
  picture('mail', '/admin#mail', 'mail-save'),
  picture('history', '/admin#history', 'graph'),
  picture('logs', '/admin#logs', 'logs-unit'),
  picture('accounts', '/admin#accounts', 'account-row'),
]
