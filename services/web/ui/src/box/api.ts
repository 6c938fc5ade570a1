// The JSON API of `appliance`, as in services/protocol/src/manager.rs.

import type {
  AccountInfo,
  AcmeSettings,
  AdminRole,
  AuditForwarding,
  AuditPage,
  BackupKey,
  BackupSettings,
  BackupState,
  CertificateRequest,
  CertificateState,
  Check,
  Clock,
  FactoryReset,
  ForwardAudit,
  History,
  HistoryRange,
  HostKey,
  HostName,
  Institution,
  InstitutionLogo,
  LogPage,
  LogQuery,
  MailSettings,
  MailTestResult,
  ManagerError,
  ManagerErrorCode,
  MetricsAccess,
  MetricsToken,
  NetworkSettings,
  NetworkState,
  NetworkTrial,
  NewSecondFactor,
  Overview,
  PowerAnswer,
  PowerOrder,
  RecoveryKey,
  Restored,
  RestoreOrder,
  RestoreTest,
  RoomCreated,
  RoomDone,
  RoomPage,
  RoomQuery,
  SavedFile,
  SelfTest,
  SessionInfo,
  SetupStep,
  SupportBundle,
  SyslogSettings,
  SyslogState,
  TimeSettings,
  UpdateOrder,
  UpdatePart,
  UpdateSource,
  UpdateState,
  UploadedCertificate,
} from '../generated/protocol'
import { SESSION_IDLE_SECONDS } from '../generated/protocol'

/** `offline`: no answer at all; `unexpected`: an answer that is not of this API. */
export type BoxFailureCode = ManagerErrorCode | 'offline' | 'unexpected'

export class BoxFailure extends Error {
  override readonly name = 'BoxFailure'

  constructor(
    readonly code: BoxFailureCode,
    detail: string,
    /** The field of the body that it is about. */
    readonly field?: string,
    /** Seconds after which trying again makes sense, if it does. */
    readonly retryAfter?: number,
  ) {
    super(detail)
  }
}

const TIMEOUT = 20_000
/** What asks servers of others, which may be silent; longer than `web` waits. */
const CHECK_TIMEOUT = 30_000
/** What takes a slow line or disk a while. */
const LONG_TIMEOUT = 180_000

export class BoxApi {
  /** Against forged requests; of the session. */
  #token: string | undefined

  #attended: number
  #end = Number.POSITIVE_INFINITY

  /** `unattended`: whether nobody uses the page. `now` in milliseconds. */
  constructor(
    readonly unattended: () => boolean,
    readonly now: () => number = () => performance.now(),
  ) {
    this.#attended = now()
  }

  /** Milliseconds since the last call that a person made. */
  get sinceAttended(): number {
    return this.now() - this.#attended
  }

  /** Milliseconds until the session ends whatever happens; infinite without one. */
  get untilEnd(): number {
    return this.#end - this.now()
  }

  session(): Promise<SessionInfo> {
    return this.#remember(this.#read('session'))
  }

  openSetup(code: string): Promise<SessionInfo> {
    return this.#remember(this.#call('POST', 'setup', { code }))
  }

  stepDone(step: SetupStep, done: boolean): Promise<SessionInfo> {
    return this.#remember(this.#call('POST', 'setup/step', { step, done }))
  }

  /** With what the step has stored. */
  checkStep(step: SetupStep): Promise<Check[]> {
    return this.#call('POST', 'setup/check', { step }, CHECK_TIMEOUT)
  }

  finishSetup(): Promise<SessionInfo> {
    return this.#remember(this.#call('POST', 'setup/finish'))
  }

  signIn(name: string, password: string, code?: string): Promise<SessionInfo> {
    const body = code === undefined ? { name, password } : { name, password, code }
    return this.#remember(this.#call('POST', 'sign-in', body))
  }

  signOut(): Promise<SessionInfo> {
    return this.#remember(this.#call('POST', 'sign-out'))
  }

  accounts(): Promise<AccountInfo[]> {
    return this.#read('accounts')
  }

  createAccount(name: string, password: string, role: AdminRole): Promise<NewSecondFactor> {
    return this.#call('POST', 'accounts', { name, password, role })
  }

  confirmAccount(name: string, code: string): Promise<AccountInfo> {
    return this.#call('POST', 'accounts/confirm', { name, code })
  }

  removeAccount(name: string): Promise<AccountInfo[]> {
    return this.#call('POST', 'accounts/remove', { name })
  }

  renewSecondFactor(password: string, code: string): Promise<NewSecondFactor> {
    return this.#call('POST', 'second-factor', { password, code })
  }

  confirmSecondFactor(code: string): Promise<SessionInfo> {
    return this.#remember(this.#call('POST', 'second-factor/confirm', { code }))
  }

  changePassword(old: string, fresh: string): Promise<SessionInfo> {
    return this.#remember(this.#call('POST', 'password', { old, new: fresh }))
  }

  institution(): Promise<Institution> {
    return this.#read('settings/institution')
  }

  setInstitution(wanted: Institution): Promise<Institution> {
    return this.#call('PUT', 'settings/institution', wanted)
  }

  setLogo(logo: InstitutionLogo): Promise<Institution> {
    return this.#call('PUT', 'institution/logo', logo, LONG_TIMEOUT)
  }

  removeLogo(): Promise<Institution> {
    return this.#call('DELETE', 'institution/logo')
  }

  hostName(): Promise<HostName> {
    return this.#read('settings/host_name')
  }

  setHostName(wanted: HostName): Promise<HostName> {
    return this.#call('PUT', 'settings/host_name', wanted)
  }

  time(): Promise<TimeSettings> {
    return this.#read('settings/time')
  }

  setTime(wanted: TimeSettings): Promise<TimeSettings> {
    return this.#call('PUT', 'settings/time', wanted)
  }

  updateSource(): Promise<UpdateSource> {
    return this.#read('settings/update')
  }

  setUpdateSource(wanted: UpdateSource): Promise<UpdateSource> {
    return this.#call('PUT', 'settings/update', wanted)
  }

  mail(): Promise<MailSettings> {
    return this.#read('settings/mail')
  }

  setMail(wanted: MailSettings): Promise<MailSettings> {
    return this.#call('PUT', 'settings/mail', wanted)
  }

  /** With the stored settings. */
  testMail(recipient: string): Promise<MailTestResult> {
    return this.#call('POST', 'mail/test', { recipient }, CHECK_TIMEOUT)
  }

  clock(): Promise<Clock> {
    return this.#read('clock')
  }

  networkSettings(): Promise<NetworkSettings> {
    return this.#read('settings/network')
  }

  tryNetwork(wanted: NetworkSettings): Promise<NetworkTrial> {
    return this.#call('PUT', 'settings/network', wanted)
  }

  /** Needs no session: whoever has the token has just changed the network. */
  confirmNetwork(token: string): Promise<NetworkSettings> {
    return this.#call('POST', 'settings/network/confirm', { token })
  }

  network(): Promise<NetworkState> {
    return this.#read('network')
  }

  certificate(): Promise<CertificateState> {
    return this.#read('certificate')
  }

  requestCertificate(wanted: CertificateRequest): Promise<CertificateState> {
    return this.#call('POST', 'certificate/request', wanted)
  }

  uploadCertificate(certificate: UploadedCertificate): Promise<CertificateState> {
    return this.#call('PUT', 'certificate', certificate)
  }

  /** The box makes its own again. */
  removeCertificate(): Promise<CertificateState> {
    return this.#call('DELETE', 'certificate')
  }

  acme(): Promise<AcmeSettings> {
    return this.#read('settings/acme')
  }

  setAcme(wanted: AcmeSettings): Promise<AcmeSettings> {
    return this.#call('PUT', 'settings/acme', wanted)
  }

  /** The directory is asked now, whatever it said the last time. */
  askAcme(): Promise<CertificateState> {
    return this.#call('POST', 'certificate/acme')
  }

  hostKey(): Promise<HostKey> {
    return this.#read('host-key')
  }

  recoveryKey(): Promise<RecoveryKey> {
    return this.#read('recovery-key')
  }

  /** With what stands behind its last hyphen: it is not shown again. */
  takeRecoveryKey(lastPart: string): Promise<RecoveryKey> {
    return this.#call('POST', 'recovery-key', { last_part: lastPart })
  }

  logs(query: LogQuery): Promise<LogPage> {
    return this.#read('logs', query)
  }

  support(): Promise<SupportBundle> {
    return this.#call('POST', 'support')
  }

  selfTest(): Promise<SelfTest> {
    return this.#call('POST', 'self-test', undefined, CHECK_TIMEOUT)
  }

  syslogSettings(): Promise<SyslogSettings> {
    return this.#read('settings/syslog')
  }

  setSyslog(wanted: SyslogSettings): Promise<SyslogSettings> {
    return this.#call('PUT', 'settings/syslog', wanted)
  }

  syslog(): Promise<SyslogState> {
    return this.#read('syslog')
  }

  backupSettings(): Promise<BackupSettings> {
    return this.#read('settings/backup')
  }

  setBackupSettings(wanted: BackupSettings): Promise<BackupSettings> {
    return this.#call('PUT', 'settings/backup', wanted)
  }

  backup(): Promise<BackupState> {
    return this.#read('backup')
  }

  makeBackup(): Promise<BackupState> {
    return this.#call('POST', 'backup', undefined, LONG_TIMEOUT)
  }

  backupKey(): Promise<BackupKey> {
    return this.#read('backup/key')
  }

  /** A new one, used once it is noted. */
  makeBackupKey(): Promise<BackupKey> {
    return this.#call('PUT', 'backup/key')
  }

  takeBackupKey(lastPart: string): Promise<BackupKey> {
    return this.#call('POST', 'backup/key', { last_part: lastPart })
  }

  backupFile(name: string): Promise<SavedFile> {
    return this.#call('POST', 'backup/file', { name }, LONG_TIMEOUT)
  }

  /** What has not been deleted so far, to be kept beside the backups. */
  deletions(): Promise<SavedFile> {
    return this.#call('POST', 'backup/deletions', undefined, LONG_TIMEOUT)
  }

  testBackup(name: string): Promise<RestoreTest> {
    return this.#call('POST', 'backup/test', { name }, LONG_TIMEOUT)
  }

  /** On a box that is being set up. */
  restore(order: RestoreOrder): Promise<Restored> {
    return this.#call('POST', 'backup/restore', order, LONG_TIMEOUT)
  }

  overview(): Promise<Overview> {
    return this.#read('overview')
  }

  history(range: HistoryRange): Promise<History> {
    return this.#read(`history/${range}`)
  }

  metricsAccess(): Promise<MetricsAccess> {
    return this.#read('metrics-access')
  }

  /** A new token, in the place of another. */
  openMetrics(): Promise<MetricsToken> {
    return this.#call('POST', 'metrics-access')
  }

  closeMetrics(): Promise<MetricsAccess> {
    return this.#call('DELETE', 'metrics-access')
  }

  findRooms(query: RoomQuery): Promise<RoomPage> {
    return this.#read('rooms/find', query)
  }

  /** Its links are not given again. */
  createRoom(title: string): Promise<RoomCreated> {
    return this.#call('POST', 'rooms', { title })
  }

  replaceGuestLink(room: string): Promise<RoomDone> {
    return this.#call('POST', 'rooms/guest-link', { room })
  }

  endMeeting(room: string): Promise<RoomDone> {
    return this.#call('POST', 'rooms/end', { room })
  }

  deleteRoom(room: string): Promise<RoomDone> {
    return this.#call('POST', 'rooms/delete', { room })
  }

  power(order: PowerOrder): Promise<PowerAnswer> {
    return this.#call('POST', 'power', order)
  }

  /** Of everything, at once. */
  resetToFactory(order: FactoryReset): Promise<PowerAnswer> {
    return this.#call('POST', 'factory-reset', order, LONG_TIMEOUT)
  }

  update(order: UpdateOrder): Promise<UpdateState> {
    return this.#call('POST', 'update', order)
  }

  updatePart(part: UpdatePart): Promise<UpdateState> {
    return this.#call('POST', 'update/file', part, LONG_TIMEOUT)
  }

  audit(before?: number): Promise<AuditPage> {
    return this.#read(before === undefined ? 'audit' : `audit/${before}`)
  }

  auditFile(): Promise<SavedFile> {
    return this.#call('POST', 'audit/file', undefined, LONG_TIMEOUT)
  }

  auditForwarding(): Promise<AuditForwarding> {
    return this.#read('audit/forwarding')
  }

  forwardAudit(wanted: ForwardAudit): Promise<AuditForwarding> {
    return this.#call('PUT', 'audit/forwarding', wanted)
  }

  async #remember(answer: Promise<SessionInfo>): Promise<SessionInfo> {
    const info = await answer
    this.#token = info.csrf_token ?? undefined
    const left = info.idle_seconds_left ?? SESSION_IDLE_SECONDS
    this.#attended = this.now() - (SESSION_IDLE_SECONDS - left) * 1_000
    this.#end = this.now() + (info.seconds_left ?? Number.POSITIVE_INFINITY) * 1_000
    return info
  }

  /** What a page may also ask by itself: while nobody uses it, that keeps no session alive. */
  #read<T>(path: string, query?: unknown): Promise<T> {
    return this.#call(query === undefined ? 'GET' : 'POST', path, query, TIMEOUT, !this.unattended())
  }

  async #call<T>(method: string, path: string, body?: unknown, timeout = TIMEOUT, attended = true): Promise<T> {
    const headers: Record<string, string> = {}
    if (attended) this.#attended = this.now()
    else headers['x-unattended'] = '1'
    if (this.#token !== undefined) headers['x-csrf-token'] = this.#token
    if (body !== undefined) headers['content-type'] = 'application/json'
    let response: Response
    try {
      response = await fetch(`/api/box/${path}`, {
        method,
        headers,
        cache: 'no-store',
        credentials: 'same-origin',
        signal: AbortSignal.timeout(timeout),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch (error) {
      throw new BoxFailure('offline', String(error))
    }
    const answer: unknown = await response.json().catch(() => undefined)
    if (response.ok && answer !== undefined) return answer as T
    if (isManagerError(answer)) {
      throw new BoxFailure(answer.error, answer.detail, answer.field ?? undefined, answer.retry_after ?? undefined)
    }
    throw new BoxFailure('unexpected', `${path} answered ${response.status} without a body of this API`)
  }
}

function isManagerError(value: unknown): value is ManagerError {
  return typeof value === 'object' && value !== null && 'error' in value && 'detail' in value
}
