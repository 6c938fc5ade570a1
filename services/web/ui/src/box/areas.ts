// What areas of the settings are called.

import { m } from '../paraglide/messages'

export function areaText(area: string): string {
  switch (area) {
    case 'institution':
      return m.box_institution()
    case 'network':
      return m.box_network()
    case 'host_name':
      return m.box_host_name()
    case 'time':
      return m.box_time()
    case 'acme':
      return m.box_acme()
    case 'update':
    case 'updates':
      return m.box_updates()
    case 'backup':
      return m.box_backup()
    case 'mail':
      return m.box_mail()
    case 'syslog':
      return m.box_syslog()
    case 'pages':
      return m.box_pages()
    default:
      return area
  }
}
