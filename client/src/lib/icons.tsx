import type { ReactNode } from 'react'

// Drawn here because a whole icon library would be installed for a dozen lines. All are decoration: the control around
// one carries the words.
function Icon({ children, size = 18 }: { children: ReactNode; size?: number }) {
  return (
    <svg
      width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={2}
      strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false"
    >
      {children}
    </svg>
  )
}

/** MoonIcon stands for dark mode. */
export const MoonIcon = () => <Icon><path d="M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10z" /></Icon>

/** SunIcon stands for light mode. */
export const SunIcon = () => (
  <Icon><circle cx="12" cy="12" r="4" /><path d="M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4" /></Icon>
)

/** SendIcon stands for sending. */
export const SendIcon = () => <Icon><path d="M4 12l16-8-6 16-3-7z" /></Icon>

/** StopIcon stands for stopping an answer. */
export const StopIcon = () => <Icon><rect x="6" y="6" width="12" height="12" rx="1" /></Icon>

/** CopyIcon stands for copying. */
export const CopyIcon = () => <Icon><rect x="9" y="9" width="11" height="11" rx="2" /><path d="M5 15V5a1 1 0 0 1 1-1h9" /></Icon>

/** CheckIcon stands for done, or included. */
export const CheckIcon = () => <Icon><path d="M5 13l4 4L19 7" /></Icon>

/** RefreshIcon stands for doing it again. */
export const RefreshIcon = () => <Icon><path d="M20 11a8 8 0 1 0-2 6M20 5v6h-6" /></Icon>

/** TrashIcon stands for deleting. */
export const TrashIcon = () => <Icon><path d="M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3" /></Icon>

/** PlusIcon stands for adding. */
export const PlusIcon = () => <Icon><path d="M12 5v14M5 12h14" /></Icon>

/** FileIcon stands for a document. */
export const FileIcon = () => <Icon><path d="M14 3H6v18h12V7zM14 3v4h4" /></Icon>

/** UploadIcon stands for uploading. */
export const UploadIcon = () => <Icon><path d="M12 16V4M7 9l5-5 5 5M4 20h16" /></Icon>

/** WarningIcon stands for a warning. */
export const WarningIcon = () => <Icon><path d="M12 3l10 18H2zM12 10v4M12 17.5v.1" /></Icon>

/** InfoIcon stands for an explanation. */
export const InfoIcon = () => <Icon><circle cx="12" cy="12" r="9" /><path d="M12 11v5M12 8v.1" /></Icon>

/** DownloadIcon stands for downloading. */
export const DownloadIcon = () => <Icon><path d="M12 4v12M7 11l5 5 5-5M4 20h16" /></Icon>

/** ExternalIcon stands for a page that opens elsewhere. */
export const ExternalIcon = () => <Icon size={14}><path d="M14 4h6v6M20 4l-9 9M18 14v6H4V6h6" /></Icon>
