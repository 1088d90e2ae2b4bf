import { dirname, join } from 'node:path';
import type { Job } from './job.js';
import type { Machine } from './machine.js';
import { guestScript } from './paths.js';
import type { Board } from './qemu-board.js';
import { qemuImage } from './qemu-image.js';
import { makeInitrd } from './qemu-initrd.js';
import type { Settings } from './settings.js';

/** A port of the virtio serial device: binary safe, and the guest's writes wait for the reader. */
function port(name: string, number: number, descriptor: number): string[] {
  return [
    '-chardev',
    `socket,id=${name},fd=${descriptor}`,
    '-device',
    `virtserialport,chardev=${name},nr=${number}`,
  ];
}

/** Debian's stock kernel with several CPUs, emulated: slower than UML, and the same on any host. */
export async function qemuMachine(
  board: Board,
  job: Job,
  settings: Settings,
  signal: AbortSignal,
): Promise<Machine> {
  const image = await qemuImage(board.architecture, signal);
  const initrd = await makeInitrd(image, board.busybox, job.directory);
  const variables = [
    `LAB_JOB="${job.directory}"`,
    `LAB_MODULES="${join(image.folder, 'lib/modules')}"`,
    `LAB_GUEST="${dirname(guestScript('qemu.sh'))}"`,
    ...(board.system === undefined ? [] : [`LAB_SYSTEM="${board.system}"`]),
  ];
  return {
    argv: [
      board.program,
      ...'-accel tcg,thread=multi -smp 2'.split(' '),
      ...board.options,
      ...'-nodefaults -display none -no-reboot'.split(' '),
      ...[
        '-m',
        settings.memory ?? '2G',
        '-kernel',
        join(image.folder, 'vmlinuz'),
        '-initrd',
        initrd,
      ],
      '-append',
      [`console=${board.console} panic=-1 loglevel=5`, ...settings.parameters, ...variables].join(
        ' ',
      ),
      '-virtfs',
      'local,path=/,mount_tag=root,security_model=none,multidevs=remap',
      ...['-chardev', 'socket,id=log,fd=1', '-serial', 'chardev:log'],
      ...['-device', 'virtio-serial'],
      ...port('out', 1, 3),
      ...port('err', 2, 4),
      ...port('result', 3, 5),
    ],
    env: process.env,
    inheritsOutput: false,
  };
}
