/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _LINUX_ERRNO_H
#define _LINUX_ERRNO_H

#define ENOMEM		12
#define EINVAL		22
#define EOPNOTSUPP	95

#endif
