# U-Boot's part: it starts the slot that is good, or for one single time the one
# that is on trial. The boot partition has slot.env, which says which, and one
# file to take its place for each slot once it has been tried.
setenv slot a
setenv trial n
if load ${devtype} ${devnum}:1 ${ramdisk_addr_r} slot.env; then
	env import -t ${ramdisk_addr_r} ${filesize} slot trial
fi
setenv slots ${slot} a b
if test "${trial}" != n; then
	# Tried only once that it has been is on the card.
	if load ${devtype} ${devnum}:1 ${ramdisk_addr_r} slot-${slot}.env; then
		if fatwrite ${devtype} ${devnum}:1 ${ramdisk_addr_r} slot.env ${filesize}; then
			setenv slots ${trial} ${slots}
			setenv ontrial edgeagent.trial=${trial}
		fi
	fi
fi
if test "${board}" = rpi; then
	# The screen is the console, and not the header's serial port: an encoder may be on that.
	setenv console console=tty0
	# The kernel's device trees have no users of the header's SPI (pins 19, 21, 23, 24
	# and 26, GPIO 7 to 11): they are added where the installer wants them.
	if test -e ${devtype} ${devnum}:1 edgeagent/spi.txt; then
		fdt addr ${fdt_addr}
		fdt resize 4096
		setenv spi /soc/spi@7e204000
		fdt set /soc/gpio@7e200000/spi0_gpio7 phandle <0x5e1>
		fdt set ${spi} pinctrl-names default
		fdt set ${spi} pinctrl-0 <0x5e1>
		for cs in 0 1; do
			fdt mknode ${spi} spidev@${cs}
			fdt set ${spi}/spidev@${cs} compatible rohm,dh2228fv
			fdt set ${spi}/spidev@${cs} reg <${cs}>
			fdt set ${spi}/spidev@${cs} spi-max-frequency <5000000>
		done
		fdt set ${spi} status okay
	fi
else
	setenv console
fi
for try in ${slots}; do
	setenv number 2
	if test ${try} = b; then setenv number 3; fi
	part uuid ${devtype} ${devnum}:${number} uuid
	setenv bootargs root=PARTUUID=${uuid} edgeagent.slot=${try} ${ontrial} ${console} ro panic=5 quiet
	if load ${devtype} ${devnum}:${number} ${kernel_addr_r} boot/vmlinuz; then
		if load ${devtype} ${devnum}:${number} ${ramdisk_addr_r} boot/initrd; then
			booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}
		fi
	fi
	setenv ontrial
done
sleep 5
reset
